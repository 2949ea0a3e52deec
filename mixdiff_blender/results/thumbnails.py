"""Small pictures of results in the panels, read from their files while nobody waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy.utils.previews

from ..contract import is_file

_loaded: Any = None


def icon_of(file: Path) -> int:
    """Return the icon that shows a file's picture, or 0 where the file is not there.

    Blender reads the file in a thread of its own once the icon is drawn.
    """
    global _loaded
    if _loaded is None:
        _loaded = bpy.utils.previews.new()
    if not is_file(file):
        return 0
    name = f"{file}@{file.stat().st_mtime_ns}"
    preview = _loaded.get(name) or _loaded.load(name, str(file), "IMAGE")
    icon: int = preview.icon_id
    return icon


def unregister() -> None:
    """Forget all of them."""
    global _loaded
    if _loaded is not None:
        bpy.utils.previews.remove(_loaded)
        _loaded = None
