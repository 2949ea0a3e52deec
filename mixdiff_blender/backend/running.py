"""The one session of this Blender: moved on by a timer in a window, by a loop without one."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ..contract import EngineError
from ..properties.preferences import engine_python
from ..storage import folders
from . import live_preview
from .client import EngineClient, Launch
from .environment import find_launch, why_it_does_not_begin
from .session import Generating, Session, Starting

_TICK_S = 0.1


_launch: Launch | None = None


def _connect() -> EngineClient:
    global _launch
    folders.remove_stale_sessions()
    launch = find_launch(engine_python(), folders.user_folder())
    if not bpy.app.online_access:
        offline = {**launch.environment, "HF_HUB_OFFLINE": "1"}
        launch = Launch(command=launch.command, environment=offline)
    _launch = launch
    return EngineClient(launch, log_file=folders.log_file())


def _explained(error: EngineError) -> EngineError:
    if _launch is None:
        return error
    return why_it_does_not_begin(error, Path(_launch.command[0]))


session = Session(_connect, explain=_explained)


def keep_going() -> None:
    """Move the session on until its job has ended, without holding anything up.

    Timers never fire without a window: there `wait` takes their place.
    """
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        live_preview.warm_up()
        bpy.app.timers.register(_tick, first_interval=_TICK_S, persistent=True)


def wait(on_progress: Callable[[], None] = lambda: None) -> None:
    """Return when the job has ended; its end has been told by then."""
    while session.is_busy:
        session.pump(wait_s=_TICK_S)
        on_progress()


def stop() -> None:
    """End the engine, and remove what this run of Blender needed for it."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if session.engine_pid is None:
        return
    session.stop()
    shutil.rmtree(folders.session_folder(), ignore_errors=True)


def _tick() -> float | None:
    before = session.state
    session.pump()
    state = session.state
    if state != before:
        live_preview.show(state.preview if isinstance(state, Generating) else "")
        redraw()
    return _TICK_S if session.is_busy or isinstance(session.state, Starting) else None


def redraw() -> None:
    """Have every sidebar and the preferences drawn again."""
    manager: Any = bpy.context.window_manager
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()


def register() -> None:
    """See to it that no engine outlives Blender, and that jobs are seen while they run."""
    session.preview_every_s = 0.0 if bpy.app.background else live_preview.INTERVAL_S
    atexit.register(stop)


def unregister() -> None:
    """End the engine."""
    atexit.unregister(stop)
    stop()
    live_preview.forget()
