"""Gives memory back: after a while of quiet, and before Blender renders if asked."""

from __future__ import annotations

import time
from typing import Any

from ..properties import preferences
from . import engine
from .states import HERE, Ready, Unloading

_BEFORE_RENDER_S = 5.0

_quiet_since: float | None = None


def free_now() -> None:
    """Have the model's memory given back, and wait a moment until it is."""
    here = [session for session in engine.queue.sessions if session.place == HERE]
    for session in here:
        session.unload()
    end = time.monotonic() + _BEFORE_RENDER_S
    while any(isinstance(one.state, Unloading) for one in here) and time.monotonic() < end:
        engine.pump.run(wait_s=0.05)


def look(now: float) -> None:
    """Free the memory where it has been quiet for long enough.

    An engine that was started ahead and never used goes as a whole.
    """
    global _quiet_since
    sessions = engine.queue.sessions
    unused = [one for one in sessions if isinstance(one.state, Ready) and not one.was_used]
    if engine.queue.is_busy or not (unused or any(one.has_model for one in sessions)):
        _quiet_since = None
        return
    _quiet_since = now if _quiet_since is None else _quiet_since
    minutes = preferences.idle_minutes()
    if minutes and now - _quiet_since >= minutes * 60:
        for session in sessions:
            if session in unused:
                session.stop()
            else:
                session.unload()


def _look_now() -> None:
    look(time.monotonic())


def _before_render(*_: Any) -> None:
    if not preferences.free_before_render() or engine.queue.is_awaited:
        return
    engine.queue.have_way()
    end = time.monotonic() + _BEFORE_RENDER_S
    while engine.queue.running and time.monotonic() < end:
        engine.queue.pump(wait_s=0.05)
    free_now()


def register() -> None:
    """Begin to look after the memory."""
    engine.pump.on_run.append(_look_now)


def unregister() -> None:
    """Stop looking."""
    engine.pump.on_run.remove(_look_now)


HANDLERS = {"render_init": _before_render}
