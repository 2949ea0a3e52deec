"""Where the add-on writes: beside the .blend, or in the extension's own folder."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import bpy

RESULTS_NAME = "mixdiff"
_STALE_S = 7 * 24 * 3600


def user_folder() -> Path:
    """Return the folder that Blender keeps for this extension."""
    assert __package__ is not None
    return Path(bpy.utils.extension_path_user(__package__, create=True))


def session_folder() -> Path:
    """Return a folder for this run of Blender alone: logs, and pictures on their way."""
    folder = user_folder() / "sessions" / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def log_file() -> Path:
    """Return where the engine's words go."""
    return session_folder() / "engine.log"


def remove_stale_sessions() -> None:
    """Remove what runs of Blender left behind a week ago or earlier."""
    for folder in (user_folder() / "sessions").glob("*"):
        if time.time() - folder.stat().st_mtime > _STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


def results_folder() -> Path:
    """Return where pictures go: beside the .blend, or for want of one in the user's folder."""
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / RESULTS_NAME
    return user_folder() / "unsaved"


def next_picture() -> Path:
    """Return the path of the next picture: numbered, so that no earlier one is lost."""
    folder = results_folder()
    stem = Path(bpy.data.filepath).stem or "untitled"
    numbered = re.compile(re.escape(stem) + r"-(\d+)\.png", re.IGNORECASE)
    taken = [int(m[1]) for path in folder.glob("*") if (m := numbered.fullmatch(path.name))]
    return folder / f"{stem}-{max(taken, default=0) + 1:04d}.png"
