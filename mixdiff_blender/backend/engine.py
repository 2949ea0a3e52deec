"""The engines of this Blender, their jobs, and what moves them on: a timer, or a loop."""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ..contract import EngineError
from ..properties.preferences import engine_python
from ..storage import folders
from ..storage.processes import FailedProgram, lines_of
from . import machine
from .background_task import BackgroundTask, Broken, Running
from .client import EngineClient, Launch
from .environment import find_launch, why_it_does_not_begin
from .job_queue import JobQueue
from .pump import Pump
from .session import Session
from .shared_client import SharedClient
from .states import HERE

_TICK_S = 0.1
_SOON_S = 0.04
_REST_S = 5.0

_launch: Launch | None = None
_clusters: dict[str, SharedClient] = {}


def find() -> Launch:
    """Return how to start the engine that this Blender uses.

    Raises: EngineError of kind `environment` where its Python is not there.
    """
    return find_launch(engine_python(), folders.user_folder())


def _connect(*words: str, **variables: str) -> EngineClient:
    global _launch
    folders.remove_stale_sessions()
    launch = find()
    if not bpy.app.online_access:
        variables["HF_HUB_OFFLINE"] = "1"
    environment = {**launch.environment, **variables}
    _launch = Launch(command=(*launch.command, *words), environment=environment)
    return EngineClient(_launch, log_file=folders.log_file())


def _hire(place: str, number: int) -> Session:
    """Return another engine: on this computer's n-th device, or one of a cluster's."""
    if place == HERE:
        shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        device = shown[number] if number < len(shown) else str(number)
        return Session(partial(_connect, CUDA_VISIBLE_DEVICES=device), explain=_explained)
    cluster = _clusters.setdefault(place, SharedClient(partial(_connect, "--ray", place)))
    return Session(cluster.connect, explain=_explained, place=place)


def _explained(error: EngineError) -> EngineError:
    if _launch is None:
        return error
    return why_it_does_not_begin(error, Path(_launch.command[0]))


session = Session(_connect, explain=_explained, on_machine=machine.note)
queue = JobQueue([session], hire=_hire)
pump = Pump(queue)


def output_of(
    words: Sequence[str], *, kind: str, is_cancelled: Callable[[], bool] = lambda: False
) -> Iterator[str]:
    """Return what the engine's command line says, as it says it; found now, and run then.

    Raises: EngineError of a kind where it fails; Cancelled.
    """
    launch = find()
    command = [*launch.command[:-1], *words]  # instead of `serve`

    def lines() -> Iterator[str]:
        try:
            yield from lines_of(command, launch.environment, is_cancelled=is_cancelled)
        except FailedProgram as error:
            said = [line for line in error.output.splitlines() if line.startswith("error: ")]
            text = "\n".join(line.removeprefix("error: ") for line in said) or error.output
            raise EngineError(text, kind=kind) from error

    return lines()


def keep_going() -> None:
    """Have the pump look often from now on, and those who show it hear of what has begun.

    Timers never fire without a window: there `wait` takes their place.
    """
    pump.notify()
    if not bpy.app.background:
        _look_again_in(_TICK_S)


def wait(on_progress: Callable[[], None] = lambda: None) -> None:
    """Return when all jobs have ended; their ends have been notified by then."""
    while queue.is_awaited:
        pump.run(wait_s=_TICK_S)
        on_progress()


def wait_for(task: BackgroundTask, on_progress: Callable[[Running], None] = lambda _: None) -> None:
    """Return when a task is through, or was cancelled.

    Raises: EngineError where it failed.
    """
    while task.is_active:
        pump.run(wait_s=_TICK_S)
        if isinstance(task.state, Running):
            on_progress(task.state)
    if isinstance(task.state, Broken):
        raise task.state.error


def is_running() -> bool:
    """Whether a process of the engine is there."""
    return any(one.engine_pid is not None for one in queue.sessions)


def stop() -> None:
    """End all engines, and remove what this run of Blender needed for it."""
    if not is_running():
        return
    queue.stop()
    shutil.rmtree(folders.session_folder(), ignore_errors=True)


def look_now() -> None:
    """Have the pump look as soon as Blender has a moment, where a timer moves it."""
    if not bpy.app.background:
        _look_again_in(0.0)


def _tick() -> float:
    if not pump.run():
        return _REST_S
    return _SOON_S if pump.is_urgent else _TICK_S


def _look_again_in(seconds: float) -> None:
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    bpy.app.timers.register(_tick, first_interval=seconds, persistent=True)


def redraw() -> None:
    """Have every view of the scene drawn again, with its sidebar, and the preferences."""
    manager: Any = bpy.context.window_manager
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()


def redraw_sidebars() -> None:
    """Have every sidebar and the preferences drawn again, and no view of the scene."""
    manager: Any = bpy.context.window_manager
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "UI":
                    region.tag_redraw()


def register() -> None:
    """See to it that no engine outlives Blender, and that what goes on is seen."""
    atexit.register(stop)
    if not bpy.app.background:
        pump.on_change.append(redraw_sidebars)
        _look_again_in(_REST_S)


def unregister() -> None:
    """End the engine."""
    atexit.unregister(stop)
    stop()
    if redraw_sidebars in pump.on_change:
        pump.on_change.remove(redraw_sidebars)


TIMERS = (_tick,)
