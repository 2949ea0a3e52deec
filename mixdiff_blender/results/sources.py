"""The pictures that results were made from, kept beside them by their content."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from ..contract import Job, atomic_write, open_input, with_files

FOLDER_NAME = "sources"


def with_kept_sources(job: Job, written: Path, results: Path) -> Job:
    """Return a job whose pictures lie below its result, so that it can be run again later.

    Its relative paths start at `written` before, and at the results' folder after. A picture that
    is there already is not written again.

    Raises: EngineError of kind `picture` or `output`.
    """

    def kept(name: str) -> str:
        source = written / name
        with open_input(source, kind="picture", advice="choose the region's picture again") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
            goal = results / FOLDER_NAME / f"{digest}{source.suffix.lower()}"
            if not goal.exists():
                file.seek(0)
                with atomic_write(goal) as copy:
                    shutil.copyfileobj(file, copy)
        return f"{FOLDER_NAME}/{goal.name}"

    return with_files(job, kept)
