"""Where the add-on writes: beside the .blend, or in the extension's own folder."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import bpy

from .. import package
from ..contract import EngineError, path_in
from ..properties import canvas_settings
from .watchdog import is_running

_RESERVED_NAME = "reserved.jsonl"
_STALE_S = 7 * 24 * 3600
_UNSAVED_STALE_S = 60 * 24 * 3600

_LONGEST_STEM = 200
"""Bytes; of the 255 that a file's name may have the number and what is beside it need some."""

_JOBS = itertools.count(1)


def user_folder() -> Path:
    """Return the folder that Blender keeps for this extension, there or not."""
    return Path(bpy.utils.extension_path_user(package.NAME))


def session_folder() -> Path:
    """Return the folder for this run of Blender alone, there or not: pictures on their way."""
    return user_folder() / "sessions" / str(os.getpid())


def new_job_folder() -> Path:
    """Return a folder for the pictures that one job needs; jobs that wait keep theirs apart.

    Raises: EngineError of kind `output` where it cannot be made.
    """
    folder = session_folder() / f"job-{next(_JOBS)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"{user_folder()} cannot be written: {error.strerror or error}",
            kind="output",
            advice="make room there, and allow writing: the extension keeps its files in it",
        ) from error
    return folder


def log_file() -> Path:
    """Return where the engine's words go: a file for each run of Blender, kept after it."""
    return user_folder() / f"logs/engine-{os.getpid()}.log"


def remove_stale_sessions() -> None:
    """Remove what runs of Blender left behind a week ago, unless one still runs.

    Pictures of files that nobody saved go after two months.
    """
    for folder in user_folder().glob("sessions/*"):
        if _is_stale(folder) and not _is_of_running(folder):
            shutil.rmtree(folder, ignore_errors=True)
    for file in user_folder().glob("logs/*.log"):
        if _is_stale(file):
            file.unlink(missing_ok=True)
    for picture in unsaved_folder().rglob("*.png"):
        if _is_stale(picture, _UNSAVED_STALE_S):
            picture.unlink(missing_ok=True)


def _is_of_running(session: Path) -> bool:
    return session.name.isdecimal() and is_running(int(session.name))


def release_left() -> None:
    """Give up the paths that a Blender had reserved which was killed."""
    for note in user_folder().glob(f"sessions/*/{_RESERVED_NAME}"):
        if _is_of_running(note.parent):
            continue
        try:
            for line in note.read_text(encoding="utf-8").splitlines():
                release(Path(json.loads(line)))
            note.unlink()
        except (OSError, ValueError):
            continue  # another Blender does the same just now, or it is half written


def _is_stale(path: Path, after_s: float = _STALE_S) -> bool:
    try:
        return time.time() - path.stat().st_mtime > after_s
    except FileNotFoundError:
        return False  # another Blender has just removed it


def unsaved_folder() -> Path:
    """Return where the pictures of files wait that were never saved."""
    return user_folder() / "unsaved"


def is_unsaved(path: Path) -> bool:
    """Return whether a picture waits for its .blend to be saved."""
    return path.is_relative_to(unsaved_folder())


def results_folder(scene: bpy.types.Scene, blend: str | None = None) -> Path:
    """Return where a scene's pictures go: beside the .blend, or in our own folder.

    `blend` stands for the .blend's path where that is about to change.
    """
    blend = bpy.data.filepath if blend is None else blend
    chosen = canvas_settings(scene).output_folder.strip() or "//"
    if not blend and not is_absolute(chosen):
        return unsaved_folder()
    return absolute(chosen, blend)


def elsewhere(scene: bpy.types.Scene) -> Path | None:
    """Return where a scene's pictures go if that is outside the .blend's folder."""
    if not bpy.data.filepath:
        return None
    folder = results_folder(scene)
    return None if leads_into(Path(bpy.data.filepath).parent, folder) else folder


def is_absolute(path: str) -> bool:
    """Return whether a path says by itself where it leads."""
    return not path.startswith("//") and path_in(Path(), path).is_absolute()


def absolute(path: str, blend: str) -> Path:
    """Return a path as people write it: `//` and plain names start beside the .blend, `~` at home.

    What Windows wrote is read on other systems too.
    """
    return Path(os.path.normpath(path_in(Path(blend).parent, path.removeprefix("//"))))


def leads_into(folder: Path, path: Path) -> bool:
    """Return whether a path lies in a folder, wherever links on the way lead."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def next_image_path(scene: bpy.types.Scene) -> Path:
    """Return the path of the next picture: numbered, so that no earlier one is lost.

    An empty file holds the place, so that no other Blender takes the same name.

    Raises: EngineError of kind `output` where nothing can be written there.
    """
    release_left()
    path = reserve(results_folder(scene), Path(bpy.data.filepath).stem or "untitled")
    # Without the note an empty file would stay if Blender was killed: no reason for no picture.
    with contextlib.suppress(OSError):
        session_folder().mkdir(parents=True, exist_ok=True)
        with (session_folder() / _RESERVED_NAME).open("a", encoding="utf-8") as note:
            note.write(json.dumps(str(path)) + "\n")
    return path


def reserve(folder: Path, stem: str) -> Path:
    """Return a new numbered path in a folder, held by an empty file.

    Raises: EngineError of kind `output` where nothing can be written there.
    """
    return _reserve(folder, stem, ".png", lambda path: path.open("xb").close())


def reserve_folder(folder: Path, stem: str) -> Path:
    """Return a new numbered folder in a folder.

    Raises: EngineError of kind `output` where nothing can be written there.
    """
    return _reserve(folder, stem, "", lambda path: path.mkdir())


def _reserve(folder: Path, stem: str, suffix: str, take: Callable[[Path], None]) -> Path:
    """Return a new numbered path in a folder, made by `take`; shots and stills count on."""
    require_letters(folder)
    stem = stem.encode()[:_LONGEST_STEM].decode(errors="ignore")
    numbered = re.compile(re.escape(stem) + r"-(\d{1,9})(\.png|-steps|)", re.IGNORECASE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [int(m[1]) for path in folder.glob("*") if (m := numbered.fullmatch(path.name))]
        number = max(taken, default=0) + 1
        while True:
            path = folder / f"{stem}-{number:04d}{suffix}"
            try:
                take(path)
            except FileExistsError:
                number += 1
            else:
                return path
    except OSError as error:
        raise unwritable(folder, error) from error


def require_letters(path: Path) -> None:
    """Refuse a path that no text can hold, neither a .blend's nor a job's.

    Raises: EngineError of kind `output`.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise EngineError(
            f"{str(path).encode(errors='replace').decode()} holds bytes that are no letters",
            kind="output",
            advice="rename the folder, or choose another one",
        ) from error


def release(path: Path) -> None:
    """Give up a path that was reserved and never written."""
    if path.exists() and path.stat().st_size == 0:
        path.unlink()


def unwritable(path: Path, error: OSError) -> EngineError:
    """Return what to tell a person where pictures cannot be written."""
    return EngineError(
        f"{path} cannot be written: {error.strerror or error}",
        kind="output",
        advice="choose another folder (Result > Folder), or make room there",
    )
