"""The engine's installation in this Blender: begun by a person, seen in the panel."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ..contract import EngineError
from ..properties.preferences import engine_python
from ..storage import folders
from . import engine
from .background_task import BackgroundTask, TaskProgress
from .environment import choose_python, named_python
from .installation.install import STEPS, install, install_ray, remove
from .installation.plan import STAMP, InstallPlan
from .installation.plan import State as EnvironmentState

_LOOK_EVERY_S = 2.0

task = BackgroundTask()
engine.pump.sources.append(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What there is of an engine on this computer."""

    environment: EnvironmentState
    is_own: bool
    """Whether the extension's own environment is the one that is used."""
    named_by: str
    """Who named the Python that runs it."""
    python: Path
    """That Python, there or not."""
    fault: EngineError | None
    """Why no engine can be started."""
    lacks_ray: bool
    """Whether it is the extension's own, and a cluster needs what is not in it."""


_size: tuple[float, int | None] | None = None


def plan() -> InstallPlan:
    """Return the plan for this user's folder."""
    return InstallPlan(folder=folders.user_folder())


def status() -> Status:
    """Return what there is, looked at every few seconds at most: panels ask at every redraw."""
    return _status_at(time.monotonic() // _LOOK_EVERY_S)


@lru_cache(maxsize=1)
def _status_at(moment: float) -> Status:
    fault = None
    who: Any = {"variables": os.environ, "preference": engine_python()}
    who["user_folder"] = folders.user_folder()
    chosen = named_python(**who)
    try:
        choose_python(**who)
    except EngineError as error:
        fault = error
    environment = plan().state()
    return Status(
        environment=environment,
        lacks_ray=chosen.is_own and environment != "absent" and not plan().has_ray(),
        is_own=chosen.is_own,
        named_by=chosen.named_by,
        python=chosen.path,
        fault=fault,
    )


look_again = _status_at.cache_clear
"""Has `status` look anew."""


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
    _require_rest()
    steps = install(
        plan(),
        variables=dict(os.environ),
        offline=not bpy.app.online_access,
        afresh=afresh,
        is_cancelled=task.is_cancelled,
    )
    first = TaskProgress(title=STEPS[0])
    task.start("the engine is being installed", first, _then_looking_again(steps))
    engine.keep_going()


def start_ray() -> None:
    """Begin to add what a cluster needs; the engine that may run is ended first.

    Raises: EngineError of kind `busy` while an installation runs, or pictures are being made.
    """
    _require_rest()
    steps = install_ray(
        plan(),
        variables=dict(os.environ),
        offline=not bpy.app.online_access,
        is_cancelled=task.is_cancelled,
    )
    task.start("Ray is being installed", TaskProgress(title=STEPS[0]), _then_looking_again(steps))
    engine.keep_going()


def _require_rest() -> None:
    if engine.queue.is_busy:
        advice = "wait until it is there, or cancel it"
        raise EngineError("a picture is being made", kind="busy", advice=advice)
    engine.stop()


def _then_looking_again(steps: Iterator[TaskProgress]) -> Iterator[TaskProgress]:
    try:
        yield from steps
    finally:
        look_again()


def uninstall() -> None:
    """Remove the engine's own environment; the engine that may run is ended first.

    Raises: EngineError.
    """
    engine.stop()
    remove(plan())
    look_again()


def unregister() -> None:
    """End an installation that may run; what has arrived is kept."""
    task.cancel()
    task.pump(2)
