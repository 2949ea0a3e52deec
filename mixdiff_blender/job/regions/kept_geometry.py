"""What twins have shown, made once a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from .differences import settings_for_renders
from .instances import is_instanced_by_parent
from .pieces import Piece
from .until_changed import UntilChanged

_kept = UntilChanged[tuple[tuple[Any, ...], Sequence[Piece]]](moves=True)


def kept_pieces(scene: bpy.types.Scene, obj: bpy.types.Object) -> Sequence[Piece] | None:
    """Return what an object's twin has shown, unless it would show something else by now."""
    settings, pieces = _kept.get(scene, obj) or (None, None)
    return pieces if settings == settings_for_renders(obj) else None


def keep_pieces(scene: bpy.types.Scene, obj: bpy.types.Object, pieces: Sequence[Piece]) -> None:
    """Keep what an object's twin has shown, if Blender tells of all that changes it."""
    shows_others = obj.instance_type != "NONE" or bool(obj.particle_systems)
    if shows_others or obj.type == "META" or is_instanced_by_parent(obj):
        return
    points = sum(len(piece.points) for piece in pieces)
    _kept.keep(scene, obj, (settings_for_renders(obj), pieces), points)
