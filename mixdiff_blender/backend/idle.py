"""Gives the model's memory back: after a while of quiet, and before Blender renders if asked."""

from __future__ import annotations

import time
from typing import Any, cast

import bpy

from ..properties import preferences
from . import running

_LOOK_EVERY_S = 5.0
_BEFORE_RENDER_S = 5.0

_quiet_since: float | None = None


def free_now() -> None:
    """Have the model's memory given back, and wait a moment until it is."""
    session = running.session
    session.unload()
    end = time.monotonic() + _BEFORE_RENDER_S
    while session.is_unloading and time.monotonic() < end:
        session.pump(wait_s=0.05)
    running.redraw()


def look(now: float) -> None:
    """Hear of an engine that died, and free the memory where it has been quiet for long enough."""
    global _quiet_since
    session = running.session
    before = session.state
    session.pump()
    if session.state != before:
        running.redraw()
    if session.is_busy or not session.has_model:
        _quiet_since = None
        return
    _quiet_since = now if _quiet_since is None else _quiet_since
    minutes = preferences.idle_minutes()
    if minutes and now - _quiet_since >= minutes * 60:
        session.unload()
        running.redraw()


def _tick() -> float:
    look(time.monotonic())
    return _LOOK_EVERY_S


def _before_render(*_: Any) -> None:
    if preferences.free_before_render() and not running.session.is_busy:
        free_now()


def register() -> None:
    """Begin to look after the memory."""
    cast(Any, bpy.app.handlers).persistent(_before_render)
    bpy.app.handlers.render_init.append(_before_render)
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=_LOOK_EVERY_S, persistent=True)


def unregister() -> None:
    """Stop looking."""
    if _before_render in bpy.app.handlers.render_init:
        bpy.app.handlers.render_init.remove(_before_render)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
