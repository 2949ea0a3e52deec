"""This computer as its engine measured it last: which models fit it, and how a picture does."""

from __future__ import annotations

import contextlib
import json
import time
from functools import cache, lru_cache
from pathlib import Path

from ..contract import (
    EngineError,
    Job,
    Machine,
    MemoryPlan,
    atomic_write,
    facts_of,
    memory_plan,
    work_of,
)
from ..storage import folders

_LOOK_EVERY_S = 2.0


def note(document: object) -> None:
    """Keep what an engine said of its machine, for the next run of Blender too."""
    machine = Machine.from_document(document)
    if machine is None:
        return
    with contextlib.suppress(EngineError, OSError), atomic_write(_file()) as file:
        file.write(json.dumps(machine.to_document(), indent=1).encode("utf-8"))
    known.cache_clear()


@cache
def known() -> Machine | None:
    """Return the machine; None where no engine has said anything of it yet."""
    try:
        return Machine.from_document(json.loads(_file().read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def memory_of(job: Job) -> MemoryPlan | EngineError | None:
    """Return where a job's model will be, the error where it fits in no way, None if unknown."""
    machine = known()
    if machine is None:
        return None
    # Panels ask at each redraw; files may come and go.
    return _memory_at(time.monotonic() // _LOOK_EVERY_S, job, machine)


@lru_cache(maxsize=4)
def _memory_at(moment: float, job: Job, machine: Machine) -> MemoryPlan | EngineError | None:
    work = work_of(job, facts_of(job.model), Path())
    try:
        return memory_plan(job.model, None, work, machine)
    except EngineError as error:
        return error


def _file() -> Path:
    return folders.user_folder() / "machine.json"
