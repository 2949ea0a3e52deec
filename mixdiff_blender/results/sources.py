"""The pictures that results were made from, kept beside them by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..contract import Job, with_files
from ..storage.files import copy_whole

FOLDER_NAME = "sources"


def with_kept_sources(job: Job, written: Path, results: Path) -> Job:
    """Return a job whose pictures lie below its result, so that it can be run again later.

    Its relative paths start at `written` before, and at the results' folder after. A picture that
    is there already is not written again; one that is not there at all keeps its name.

    Raises: OSError where one cannot be read or written.
    """

    def kept(name: str) -> str:
        source = written / name
        if not source.is_file():
            return str(source)
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        goal = results / FOLDER_NAME / f"{digest}{source.suffix.lower()}"
        if not goal.exists():
            copy_whole(source, goal)
        return f"{FOLDER_NAME}/{goal.name}"

    return with_files(job, kept)
