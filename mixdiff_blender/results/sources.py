"""The pictures that results were made from, kept beside them by their content."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ..contract import (
    PICTURE_SUFFIXES,
    EngineError,
    Job,
    UnreadableImageError,
    atomic_write,
    files_of,
    open_input,
    path_in,
    read_size,
    with_files,
)
from ..storage import folders

FOLDER_NAME = "sources"
_ADVICE = "choose the region's picture again"


def with_kept_sources(job: Job, written: Path, results: Path) -> Job:
    """Return a job whose pictures lie below its result, so that it can be run again later.

    Its relative paths start at `written` before, and at the results' folder after. A picture that
    is there already is not written again.

    Raises: EngineError of kind `picture`, also for what is no picture, or `output`.
    """

    def kept(name: str) -> str:
        source = path_in(written, name)
        _require_picture(source)
        suffix = source.suffix.lower()
        with open_input(source, kind="picture", advice=_ADVICE) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
            goal = results / FOLDER_NAME / f"{digest}{suffix if suffix in PICTURE_SUFFIXES else ''}"
            file.seek(0)
            _copy(file, goal, results)
        return f"{FOLDER_NAME}/{goal.name}"

    return with_files(job, kept)


def keep_beside(pictures: Iterable[Path], folder: Path, goal: Path) -> None:
    """Copy pictures that lie in a folder to the same places in another.

    Raises: EngineError of kind `picture` or `output`.
    """
    for picture in pictures:
        with open_input(picture, kind="picture", advice=_ADVICE) as file:
            _copy(file, goal / picture.relative_to(folder), goal)


def require_own_pictures(job: Job, folder: Path, trusted: Iterable[Path]) -> None:
    """Refuse a job out of a file that names pictures elsewhere: they would be copied beside it.

    Raises: EngineError of kind `picture`.
    """
    for name in files_of(job):
        path = path_in(folder, name)
        if not any(folders.leads_into(own, path) for own in trusted):
            raise EngineError(
                f"the result was made from {path}, which is outside of its own folder",
                kind="picture",
                advice="choose that picture in a region, and generate again",
            )


def _require_picture(path: Path) -> None:
    try:
        read_size(path)
    except UnreadableImageError as error:
        message = f"{path} is no picture that can be read: {error}"
        raise EngineError(message, kind="picture", advice=_ADVICE) from error
    except OSError:
        return  # whoever opens it says why it cannot be opened


def _copy(file: BinaryIO, goal: Path, folder: Path) -> None:
    if not folders.leads_into(folder, goal):
        raise EngineError(
            f"{goal} leads out of {folder}",
            kind="output",
            advice="put a folder there instead of the link",
        )
    if not goal.exists():
        with atomic_write(goal) as copy:
            shutil.copyfileobj(file, copy)
