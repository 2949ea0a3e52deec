"""Surfaces that were read, kept until Blender tells of a change: while another thing is dragged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from .projection import Floats, Ints

Surface = tuple[Floats, Ints]

_MOST_POINTS = 2**22
_KEPT_TYPES = frozenset({"MESH", "CURVE", "SURFACE", "FONT"})  # balls change with each other


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    surface: Surface
    data_uid: int


_kept: dict[tuple[int, int], _Kept] = {}


def kept_surface(
    depsgraph: bpy.types.Depsgraph, obj: bpy.types.Object, read: Callable[[], Surface]
) -> Surface:
    """Return an object's own surface as a depsgraph has it: read now, or kept since it was."""
    data: Any = obj.data
    if obj.type not in _KEPT_TYPES or data is None or data.is_editmode:
        return read()
    scene: Any = depsgraph.scene
    key = (scene.session_uid, obj.session_uid)
    known = _kept.get(key)
    if known is None or known.data_uid != data.session_uid:
        if sum(len(kept.surface[0]) for kept in _kept.values()) > _MOST_POINTS:
            _kept.clear()
        known = _kept[key] = _Kept(surface=read(), data_uid=data.session_uid)
    return known.surface


def _after_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if not _kept or depsgraph.mode != "VIEWPORT":
        return
    updates: Any = depsgraph.updates
    changed = {u.id.original.session_uid for u in updates if u.is_updated_geometry}
    if changed:
        for key in [k for k, kept in _kept.items() if {k[1], kept.data_uid} & changed]:
            del _kept[key]


def _after_change(*_: Any) -> None:
    _kept.clear()


def unregister() -> None:
    """Forget everything."""
    _kept.clear()


HANDLERS = {
    "depsgraph_update_post": _after_update,
    "frame_change_post": _after_change,
    "undo_post": _after_change,
    "redo_post": _after_change,
    "load_post": _after_change,
}
