"""What twins have shown, kept until their objects change: while something else is dragged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from .differences import settings_for_renders
from .instances import is_instanced_by_parent
from .pieces import Piece
from .twins import is_echo

_MOST_POINTS = 2**22
_kept: dict[tuple[int, int], tuple[tuple[Any, ...], Sequence[Piece]]] = {}


def kept_pieces(scene: bpy.types.Scene, obj: bpy.types.Object) -> Sequence[Piece] | None:
    """Return what an object's twin has shown, unless it would show something else by now."""
    settings, pieces = _kept.get(_key(scene, obj), (None, None))
    return pieces if settings == settings_for_renders(obj) else None


def keep_pieces(scene: bpy.types.Scene, obj: bpy.types.Object, pieces: Sequence[Piece]) -> None:
    """Keep what an object's twin has shown, if Blender tells of all that changes it."""
    shows_others = obj.instance_type != "NONE" or bool(obj.particle_systems)
    if shows_others or obj.type == "META" or is_instanced_by_parent(obj):
        return
    if sum(len(piece.points) for _, kept in _kept.values() for piece in kept) > _MOST_POINTS:
        _kept.clear()
    _kept[_key(scene, obj)] = (settings_for_renders(obj), pieces)


def _key(scene: bpy.types.Scene, obj: bpy.types.Object) -> tuple[int, int]:
    return scene.session_uid, obj.session_uid


def _after_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if is_echo() or not _kept or depsgraph.mode != "VIEWPORT":
        return
    updates: Any = depsgraph.updates
    changed = {
        update.id.original.session_uid
        for update in updates
        if update.is_updated_geometry or update.is_updated_transform
    }
    for key in [key for key in _kept if not changed.isdisjoint(key)]:
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
