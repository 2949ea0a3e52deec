"""Has the engine measure this computer before the first picture, when a person asks."""

from __future__ import annotations

import json
from collections.abc import Iterator

from . import engine, machine, models
from .background_task import BackgroundTask, TaskProgress

_PROGRESS = TaskProgress(title="Looking at this computer")

task = BackgroundTask()
engine.pump.sources.append(task)


def start() -> None:
    """Begin; what is found stands in `machine.known`.

    Raises: EngineError where there is no engine, or it looks already.
    """
    words = ("info", "--json")
    lines = engine.output_of(words, kind="environment", is_cancelled=task.is_cancelled)
    task.start("this computer is being looked at", _PROGRESS, _look(lines))
    engine.keep_going()


def _look(lines: Iterator[str]) -> Iterator[TaskProgress]:
    yield _PROGRESS
    for line in lines:
        if line.startswith("{"):
            machine.note(json.loads(line).get("machine"))
    models.look_again()


def unregister() -> None:
    """End what may run."""
    task.cancel()
    task.pump(2)
