"""Where the add-on writes: beside the .blend, or in the extension's own folder."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import sys
import time
from collections.abc import Collection
from pathlib import Path

import bpy

RESULTS_NAME = "mixdiff"
LOGS_NAME = "logs"
_STALE_S = 7 * 24 * 3600

_JOBS = itertools.count(1)


def user_folder() -> Path:
    """Return the folder that Blender keeps for this extension."""
    assert __package__ is not None
    return Path(bpy.utils.extension_path_user(__package__, create=True))


def extension_folder() -> Path:
    """Return the folder that holds the extension itself."""
    return Path(__file__).parent


def session_folder() -> Path:
    """Return a folder for this run of Blender alone: logs, and pictures on their way."""
    folder = user_folder() / "sessions" / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_job_folder() -> Path:
    """Return a folder for the pictures that one job needs; jobs that wait keep theirs apart."""
    folder = session_folder() / f"job-{next(_JOBS)}"
    folder.mkdir(exist_ok=True)
    return folder


def log_file() -> Path:
    """Return where the engine's words go: a file for each run of Blender, kept after it."""
    return user_folder() / LOGS_NAME / f"engine-{os.getpid()}.log"


def remove_stale_sessions() -> None:
    """Remove what runs of Blender left behind a week ago or earlier, unless one still runs."""
    for folder in (user_folder() / "sessions").glob("*"):
        if _is_stale(folder) and not _is_running(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
    for file in (user_folder() / LOGS_NAME).glob("*.log"):
        if _is_stale(file):
            file.unlink(missing_ok=True)


def _is_stale(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _STALE_S
    except FileNotFoundError:
        return False  # another Blender has just removed it


def _is_running(pid: str) -> bool:
    if not pid.isdecimal() or sys.platform == "win32":  # there, signal 0 would end the process
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def results_folder() -> Path:
    """Return where pictures go: beside the .blend, or for want of one in the user's folder."""
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / RESULTS_NAME
    return user_folder() / "unsaved"


def next_picture(reserved: Collection[Path] = ()) -> Path:
    """Return the path of the next picture: numbered, so that no earlier one is lost.

    `reserved` are pictures that are not there yet.
    """
    folder = results_folder()
    stem = Path(bpy.data.filepath).stem or "untitled"
    numbered = re.compile(re.escape(stem) + r"-(\d+)\.png", re.IGNORECASE)
    names = [path.name for path in (*folder.glob("*"), *reserved) if path.parent == folder]
    taken = [int(found[1]) for name in names if (found := numbered.fullmatch(name))]
    return folder / f"{stem}-{max(taken, default=0) + 1:04d}.png"
