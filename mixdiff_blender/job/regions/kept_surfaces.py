"""Surfaces of objects, read once a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .planes import Surface
from .until_changed import UntilChanged

_KEPT_TYPES = frozenset({"MESH", "CURVE", "SURFACE", "FONT"})  # balls change with each other

_kept = UntilChanged[tuple[tuple[Surface, ...], int]](moves=False)


def kept_surfaces(
    depsgraph: bpy.types.Depsgraph, obj: bpy.types.Object, read: Callable[[], tuple[Surface, ...]]
) -> tuple[Surface, ...]:
    """Return an object's own surface as a depsgraph has it: read now, or kept since it was."""
    data: Any = obj.data
    scene: Any = depsgraph.scene
    if obj.type not in _KEPT_TYPES or data is None or data.is_editmode:
        return read()
    uid: int = data.session_uid
    known = _kept.get(scene, obj)
    if known is None or known[1] != uid:
        known = (read(), uid)
        _kept.keep(scene, obj, known, sum(len(part.points) for part in known[0]), also=[uid])
    return known[0]
