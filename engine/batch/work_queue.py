"""The tasks that wait, and what is told of them.

A place is where an engine can be: a device of this machine, or a share of a cluster.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.batch.tasks import BatchTask
from engine.contract.errors import EngineError, Problem

MOST_TRIES = 3
"""How many engines a picture may take along before it counts as what ends them."""

_LOOK_EVERY_S = 1.0
_FOR_OTHERS_S = 30.0
_START_S = 10.0

Step = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What an engine tells of a picture that it made."""

    problems: tuple[Problem, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    """The pictures of its steps, where they were asked for."""


class Engine(Protocol):
    """An engine with a device of its own, which keeps its model."""

    def make(self, task: BatchTask, on_step: Step) -> Account:
        """Make a picture, whole in its file or not at all.

        Raises: EngineError; of kind `crashed` where the engine is gone.
        """

    def cancel(self) -> None:
        """Ask the picture that is being made to end soon; called from another thread."""

    def close(self) -> None:
        """End the engine, in whatever it is; may be called from another thread, and again."""


OpenEngine = Callable[[], Engine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A place took a task."""

    place: str
    task: BatchTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """A picture is so far."""

    place: str
    task: BatchTask
    step: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A picture is in its file."""

    place: str
    task: BatchTask
    seconds: float
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A picture cannot be made; the others go on."""

    place: str
    task: BatchTask
    error: EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """An engine ended in a task, which waits again."""

    place: str
    task: BatchTask
    error: EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A place has no engine any more, and gets none."""

    place: str
    error: EngineError


News = Began | Stepped | Made | Failed | Lost | Closed


@dataclass(slots=True)
class Entry:
    """A task, and the places whose engines ended over it."""

    task: BatchTask
    lost_at: list[str] = field(default_factory=list)
    for_others_until_s: float = 0.0

    def lose_at(self, place: str) -> None:
        """Note that an engine ended over it; others may try it first."""
        self.lost_at.append(place)
        self.for_others_until_s = time.monotonic() + _FOR_OTHERS_S


class WorkQueue:
    """The tasks that wait; safe from any thread.

    Tasks of one model stand in one line, so that a place goes on with the model that it has.
    Where it `stays`, places wait for tasks to come.
    """

    def __init__(
        self, tasks: Sequence[BatchTask], places: Sequence[str], *, stays: bool = False
    ) -> None:
        self._lines: dict[str | None, deque[Entry]] = {}
        for task in tasks:
            self._lines.setdefault(task.job.model, deque()).append(Entry(task))
        self._open = len(tasks)
        self.stays = stays
        self._places = set(places)
        self._starting: dict[str, float] = {}
        self._changed = threading.Condition()
        self._stopped = False

    def take(self, place: str, model: str | None) -> Entry | None:
        """Return the next task for a place whose engine holds a model; wait while others work.

        None where nothing is left to do.
        """
        with self._changed:
            self._starting.pop(place, None)
            while not self._stopped and (self._open or self.stays):
                if entry := self._next(place, model):
                    return entry
                self._changed.wait(_LOOK_EVERY_S)
            return None

    def has_work(self, place: str, *, is_open: bool) -> bool:
        """Wait until there is a task for a place, and return whether there is one at all.

        It is not the place's yet: starting an engine may take long, and others are free. Where the
        queue `stays`, as many engines are started as there are tasks, or more once that takes long.
        """
        with self._changed:
            while not self._stopped and (self._open or self.stays):
                wanted = sum(
                    self._may(place, entry) for line in self._lines.values() for entry in line
                )
                if wanted and (is_open or not self.stays or wanted > self._count_starting()):
                    self._starting[place] = time.monotonic()
                    return True
                self._changed.wait(_LOOK_EVERY_S)
            return False

    def _count_starting(self) -> int:
        late_s = time.monotonic() - _START_S
        return sum(since_s > late_s for since_s in self._starting.values())

    def _may(self, place: str, entry: Entry) -> bool:
        """Return whether a task is for a place: once lost for another, if one comes for it."""
        if place not in entry.lost_at or self._places <= set(entry.lost_at):
            return True
        return time.monotonic() > entry.for_others_until_s

    def _next(self, place: str, model: str | None) -> Entry | None:
        own = self._lines.get(model)
        longest = sorted(self._lines.values(), key=len, reverse=True) if not own else ()
        for line in (own, *longest) if own else longest:
            for entry in line:
                if self._may(place, entry):
                    line.remove(entry)
                    return entry
        return None

    def add(self, task: BatchTask) -> None:
        """Let a task wait, after all others."""
        with self._changed:
            self._lines.setdefault(task.job.model, deque()).append(Entry(task))
            self._open += 1
            self._changed.notify_all()

    def remove(self, task: BatchTask) -> bool:
        """Take a task out; return whether it was still waiting."""
        with self._changed:
            for line in self._lines.values():
                for entry in line:
                    if entry.task is task:
                        line.remove(entry)
                        self._open -= 1
                        return True
            return False

    def ended(self) -> None:
        """Count a task as made, or as failed."""
        with self._changed:
            self._open -= 1
            if not self._open:
                self._changed.notify_all()

    def put_back(self, entry: Entry) -> None:
        """Let a task wait again, before all others."""
        with self._changed:
            self._lines.setdefault(entry.task.job.model, deque()).appendleft(entry)
            self._changed.notify_all()

    def leave(self, place: str) -> None:
        """Count no longer on a place."""
        with self._changed:
            self._places.discard(place)
            self._starting.pop(place, None)
            self._changed.notify_all()

    def stop(self) -> None:
        """Give out no more tasks."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
