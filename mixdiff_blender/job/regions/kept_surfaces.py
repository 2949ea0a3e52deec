"""Surfaces of objects, read once a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .planes import Surface
from .until_changed import UntilChanged

# Balls change with each other, and volumes are read at once.
_KEPT_TYPES = frozenset({"MESH", "CURVE", "SURFACE", "FONT", "CURVES"})

_Kept = UntilChanged[tuple[tuple[Surface, ...], int]]
_own = _Kept(moves=False)
_hair = _Kept(moves=False)


def kept_surfaces(
    depsgraph: bpy.types.Depsgraph, obj: bpy.types.Object, read: Callable[[], tuple[Surface, ...]]
) -> tuple[Surface, ...]:
    """Return an object's own surface as a depsgraph has it: read now, or kept since it was."""
    return _read_or_kept(_own, depsgraph, obj, read)


def has_kept_surfaces() -> bool:
    """Return whether any object's surface is kept."""
    return not _own.is_empty


def kept_hair(
    depsgraph: bpy.types.Depsgraph, obj: bpy.types.Object, read: Callable[[], tuple[Surface, ...]]
) -> tuple[Surface, ...]:
    """Return the strands on an object as a depsgraph has them: read now, or kept."""
    return _read_or_kept(_hair, depsgraph, obj, read)


def _read_or_kept(
    kept: _Kept,
    depsgraph: bpy.types.Depsgraph,
    obj: bpy.types.Object,
    read: Callable[[], tuple[Surface, ...]],
) -> tuple[Surface, ...]:
    data: Any = obj.data
    scene: Any = depsgraph.scene
    is_edited = getattr(data, "is_editmode", False) or obj.mode == "PARTICLE_EDIT"
    if obj.type not in _KEPT_TYPES or data is None or is_edited:
        return read()
    uid: int = data.session_uid
    known = kept.get(scene, obj)
    if known is None or known[1] != uid:
        known = (read(), uid)
        kept.keep(scene, obj, known, sum(len(part.points) for part in known[0]), also=[uid])
    return known[0]
