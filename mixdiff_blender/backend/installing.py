"""The engine's installation in this Blender: begun by a person, seen in the panel."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import bpy

from ..contract import EngineError
from ..properties.preferences import engine_python
from ..storage import folders
from . import running
from .environment import choose_python
from .installation.install import install, remove
from .installation.plan import STAMP, InstallPlan
from .installation.plan import State as EnvironmentState
from .installation.task import Broken, Installing, Task

_TICK_S = 0.25
_LOOK_EVERY_S = 2.0

task = Task()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What there is of an engine on this computer."""

    environment: EnvironmentState
    is_own: bool
    """Whether the extension's own environment is the one that is used."""
    named_by: str
    """Who named the Python that runs it."""
    fault: EngineError | None
    """Why no engine can be started."""


_status: tuple[float, Status] | None = None
_size: tuple[float, int | None] | None = None


def plan() -> InstallPlan:
    """Return the plan for this user's folder."""
    return InstallPlan(folder=folders.user_folder())


def status() -> Status:
    """Return what there is, looked at every few seconds at most: panels ask at every redraw."""
    global _status
    now = time.monotonic()
    if _status and now - _status[0] < _LOOK_EVERY_S:
        return _status[1]
    fault = None
    is_own, named_by = True, ""
    try:
        chosen = choose_python(
            variables=os.environ, preference=engine_python(), user_folder=folders.user_folder()
        )
        is_own, named_by = chosen.is_own, chosen.named_by
    except EngineError as error:
        fault = error
    found = Status(environment=plan().state(), is_own=is_own, named_by=named_by, fault=fault)
    _status = (now, found)
    return found


def size_on_disk() -> int | None:
    """Return what the engine takes on disk; None until it was counted, which a thread does."""
    global _size
    whole, stamp = plan(), plan().environment / STAMP
    try:
        made_at = stamp.stat().st_mtime
    except OSError:
        return None
    if _size is None or _size[0] != made_at:
        _size = (made_at, None)

        def count() -> None:
            global _size
            _size = (made_at, whole.size_bytes())

        threading.Thread(target=count, name="mixdiff_size", daemon=True).start()
    return _size[1]


def start(*, afresh: bool = False) -> None:
    """Begin to install; the engine that may run is ended first.

    Raises: EngineError of kind `busy` while an installation runs, or pictures are being made.
    """
    if running.session.is_busy:
        advice = "wait until it is there, or cancel it"
        raise EngineError("a picture is being made", kind="busy", advice=advice)
    running.stop()
    steps = install(
        plan(),
        variables=dict(os.environ),
        offline=not bpy.app.online_access,
        afresh=afresh,
        is_cancelled=task.is_cancelled,
    )
    task.start(steps)
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_TICK_S, persistent=True)


def wait(on_progress: Callable[[Installing], None]) -> None:
    """Return when the installation has ended.

    Raises: EngineError where it failed.
    """
    while task.is_running:
        task.wait(_TICK_S)
        if isinstance(task.state, Installing):
            on_progress(task.state)
    look_again()
    if isinstance(task.state, Broken):
        raise task.state.error


def uninstall() -> None:
    """Remove the engine's own environment; the engine that may run is ended first.

    Raises: EngineError.
    """
    running.stop()
    remove(plan())
    look_again()


def look_again() -> None:
    """Have `standing` look anew."""
    global _status
    _status = None


def _tick() -> float | None:
    running.redraw()
    if task.is_running:
        return _TICK_S
    look_again()
    return None


def register() -> None:
    """Forget what an earlier registration saw."""
    look_again()


def unregister() -> None:
    """End an installation that may run; what has arrived is kept."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    task.cancel()
    task.wait(2)
