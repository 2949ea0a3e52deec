"""Keeps what is to be drawn up to date: read from the scene only after something has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..contract import EngineError
from ..job_from_scene import job_from_scene
from .places import Place, places_of

_SHARE_OF_TIME = 0.2
"""The part of the time that may go into reading scenes while they change without a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a scene's job covered when it was last read."""

    places: tuple[Place, ...]


_NOTHING = Seen(places=())

_seen: dict[int, Seen] = {}
_stale: set[int] = set()
_wanted: dict[int, tuple[str, str]] = {}
_rest_until_s = 0.0


def seen_in(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> Seen:
    """Return what a scene's job covers; what has changed since is read soon after."""
    key: int = scene.session_uid
    if key in _stale or key not in _seen:
        _wanted[key] = (scene.name, view_layer.name)
        if not bpy.app.timers.is_registered(_read):
            wait_s = max(0.0, _rest_until_s - time.monotonic())
            bpy.app.timers.register(_read, first_interval=wait_s)
    return _seen.get(key, _NOTHING)


def _read() -> None:
    """Read the scenes that a viewport shows, and have them drawn."""
    global _rest_until_s
    began_s = time.monotonic()
    changed = False
    for key, (scene_name, layer_name) in _wanted.items():
        _stale.discard(key)
        before, _seen[key] = _seen.get(key), _look_at(scene_name, layer_name)
        changed = changed or before != _seen[key]
    _wanted.clear()
    ended_s = time.monotonic()
    _rest_until_s = ended_s + (ended_s - began_s) * (1 / _SHARE_OF_TIME - 1)
    if changed:
        _redraw()


def _look_at(scene_name: str, layer_name: str) -> Seen:
    scene = bpy.data.scenes.get(scene_name)
    layer = scene.view_layers.get(layer_name) if scene else None
    depsgraph = layer.depsgraph if layer else None
    if scene is None or depsgraph is None:
        return _NOTHING
    try:
        return Seen(places=places_of(job_from_scene(scene, depsgraph)))
    except EngineError:  # the panel says what is missing
        return _NOTHING


def _redraw() -> None:
    manager: Any = bpy.context.window_manager
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


@persistent  # type: ignore[untyped-decorator]
def _note_change(scene: bpy.types.Scene | None, *_: Any) -> None:
    """Note that something has changed, and no more: a render calls this from its own thread."""
    _stale.update(_seen)


@persistent  # type: ignore[untyped-decorator]
def _forget(*_: Any) -> None:
    _seen.clear()
    _stale.clear()


def _handlers() -> tuple[tuple[Any, Any], ...]:
    handlers: Any = bpy.app.handlers
    return (
        (handlers.depsgraph_update_post, _note_change),
        (handlers.frame_change_post, _note_change),
        (handlers.undo_post, _note_change),
        (handlers.redo_post, _note_change),
        (handlers.load_post, _forget),
    )


def register() -> None:
    """Hear of changes."""
    for handlers, told in _handlers():
        handlers.append(told)


def unregister() -> None:
    """Hear of changes no more."""
    for handlers, told in _handlers():
        handlers.remove(told)
    if bpy.app.timers.is_registered(_read):
        bpy.app.timers.unregister(_read)
    _forget()
    _wanted.clear()
