"""Keeps the lists of regions true while objects are pasted, appended, deleted, or undone."""

from __future__ import annotations

from typing import Any

import bpy

from ...properties import canvas_settings, region_settings
from ...properties.repair import repair_file
from .annotations import layers_of
from .entries import sync
from .visibility import with_sets

_Sizes = tuple[int, int, int, tuple[str, ...]]

_cached: dict[int, _Sizes] = {}


def _sizes_of(scene: bpy.types.Scene) -> _Sizes:
    """Return what tells cheaply that nothing came, went, or has another name."""
    objects = sum(len(part.objects) for part in with_sets(scene))
    groups = len(bpy.data.collections) + len(bpy.data.materials)
    return objects, groups, len(canvas_settings(scene).regions), tuple(layers_of(scene))


def _after_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if depsgraph.mode != "VIEWPORT":
        return  # a render has its own, in another thread
    if _cached.get(scene.session_uid) != _sizes_of(scene) or _has_new_region(scene, depsgraph):
        _sync(scene)
    _remember_active(scene)


def _after_change_of_everything(*_: Any) -> None:
    _cached.clear()
    for scene in bpy.data.scenes:
        _sync(scene)


def _after_load(*_: Any) -> None:
    repair_file()
    _after_change_of_everything()


def _sync(scene: bpy.types.Scene) -> None:
    sync(scene)
    _cached[scene.session_uid] = _sizes_of(scene)


def _has_new_region(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> bool:
    changed: list[Any] = [
        u.id.original for u in depsgraph.updates if isinstance(u.id, bpy.types.Object)
    ]
    enabled = {obj for obj in changed if region_settings(obj).enabled}
    return bool(enabled) and not enabled <= {e.object for e in canvas_settings(scene).regions}


def _remember_active(scene: bpy.types.Scene) -> None:
    """Keep the region chosen whose object was active last, for when another object is active."""
    settings = canvas_settings(scene)
    if scene.library is None and scene == bpy.context.scene and len(settings.regions):
        active = settings.active_region
        if active != settings.chosen_region:
            settings.chosen_region = active


def unregister() -> None:
    """Forget what was seen."""
    _cached.clear()


HANDLERS = {
    "depsgraph_update_post": _after_update,
    "undo_post": _after_change_of_everything,
    "redo_post": _after_change_of_everything,
    "load_post": _after_load,
}
