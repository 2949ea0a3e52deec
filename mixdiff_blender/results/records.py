"""What a result's file says: when it was made; and its job, seen from another folder."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ..contract import Job, with_files


def moved_job(job: Job, old_folder: Path, new_folder: Path) -> Job:
    """Return a job with its relative paths seen from another folder.

    What lies below the old folder is taken to come along.
    """

    def seen_from_there(name: str) -> str:
        if Path(name).is_absolute():
            return name
        target = Path(os.path.normpath(old_folder / name))
        if target.is_relative_to(old_folder) or not target.exists():
            return name
        try:
            return Path(os.path.relpath(target, new_folder)).as_posix()
        except ValueError:  # another drive of Windows
            return str(target)

    model = job.model and seen_from_there(job.model)
    return replace(with_files(job, seen_from_there), model=model)


def made_at(path: Path) -> str:
    """Return when a file was written, as ISO 8601 has it."""
    return datetime.fromtimestamp(path.stat().st_mtime).isoformat(timespec="seconds")
