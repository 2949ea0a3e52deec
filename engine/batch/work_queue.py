"""Who makes what: tasks wait, places take them, and what a lost engine had goes to another.

A place is where an engine can be: a device of this machine, or a share of a cluster. Each has a
thread that opens its engine and gives it one task after another.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.batch.tasks import BatchTask
from engine.contract.errors import EngineError, first_line

MOST_TRIES = 3
"""How many engines a picture may take along before it counts as what ends them."""

_MOST_FAILED_STARTS = 3
_WAIT_S = 0.25
_LOOK_EVERY_S = 1.0
_FOR_OTHERS_S = 30.0
_END_S = 5.0

Step = Callable[[int, int], None]


class Engine(Protocol):
    """An engine with a device of its own, which keeps its model."""

    def make(self, task: BatchTask, on_step: Step) -> None:
        """Make a picture, whole in its file or not at all.

        Raises: EngineError; of kind `crashed` where the engine is gone.
        """

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
class _Entry:
    task: BatchTask
    lost_at: list[str] = field(default_factory=list)
    for_others_until_s: float = 0.0


class WorkQueue:
    """The tasks that wait; safe from any thread.

    Tasks of one model stand in one line, so that a place goes on with the model that it has.
    """

    def __init__(self, tasks: Sequence[BatchTask], places: Sequence[str]) -> None:
        self._lines: dict[str | None, deque[_Entry]] = {}
        for task in tasks:
            self._lines.setdefault(task.job.model, deque()).append(_Entry(task))
        self._open = len(tasks)
        self._places = set(places)
        self._changed = threading.Condition()
        self._stopped = False

    def take(self, place: str, model: str | None) -> _Entry | None:
        """Return the next task for a place whose engine holds a model; wait while others work.

        None where nothing is left to do.
        """
        with self._changed:
            while not self._stopped and self._open:
                if entry := self._next(place, model):
                    return entry
                self._changed.wait(_LOOK_EVERY_S)
            return None

    def has_work(self, place: str) -> bool:
        """Wait until there is a task for a place, and return whether there is one at all.

        It is not the place's yet: starting an engine may take long, and others are free.
        """
        with self._changed:
            while not self._stopped and self._open:
                if any(self._may(place, entry) for line in self._lines.values() for entry in line):
                    return True
                self._changed.wait(_LOOK_EVERY_S)
            return False

    def _may(self, place: str, entry: _Entry) -> bool:
        """Return whether a task is for a place: once lost for another, if one comes for it."""
        if place not in entry.lost_at or self._places <= set(entry.lost_at):
            return True
        return time.monotonic() > entry.for_others_until_s

    def _next(self, place: str, model: str | None) -> _Entry | None:
        own = self._lines.get(model)
        longest = sorted(self._lines.values(), key=len, reverse=True) if not own else ()
        for line in (own, *longest) if own else longest:
            for entry in line:
                if self._may(place, entry):
                    line.remove(entry)
                    return entry
        return None

    def ended(self) -> None:
        """Count a task as made, or as failed."""
        with self._changed:
            self._open -= 1
            if not self._open:
                self._changed.notify_all()

    def put_back(self, entry: _Entry) -> None:
        """Let a task wait again, before all others."""
        with self._changed:
            self._lines.setdefault(entry.task.job.model, deque()).appendleft(entry)
            self._changed.notify_all()

    def leave(self, place: str) -> None:
        """Count no longer on a place."""
        with self._changed:
            self._places.discard(place)
            self._changed.notify_all()

    def stop(self) -> None:
        """Give out no more tasks."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class _Place(threading.Thread):
    """The thread of a place."""

    def __init__(
        self, name: str, open_engine: OpenEngine, waiting: WorkQueue, tell: Callable[[News], None]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._open_engine, self._waiting, self._tell = open_engine, waiting, tell
        self._engine: Engine | None = None
        self._is_ending = False

    def end(self) -> None:
        """End the engine, with whatever it does."""
        self._is_ending = True
        if self._engine is not None:
            self._engine.close()

    def run(self) -> None:
        """Work until nothing is left, or the place is good for nothing."""
        try:
            self._work()
        except EngineError as error:
            self._tell(Closed(place=self.name, error=error))
        except Exception as error:
            wrong = EngineError(f"{type(error).__name__}: {first_line(error)}", kind="internal")
            self._tell(Closed(place=self.name, error=wrong))
        finally:
            self._waiting.leave(self.name)
            if self._engine is not None:
                self._engine.close()

    def _work(self) -> None:
        model = None
        while self._waiting.has_work(self.name):
            engine = self._engine or self._new_engine()
            if self._is_ending:
                return
            entry = self._waiting.take(self.name, model)
            if entry is None:
                return
            model = entry.task.job.model
            self._make(engine, entry)

    def _new_engine(self) -> Engine:
        for number in range(_MOST_FAILED_STARTS):
            try:
                self._engine = self._open_engine()
            except EngineError as error:
                if error.kind != "crashed" or number + 1 == _MOST_FAILED_STARTS:
                    raise
            else:
                return self._engine
        raise AssertionError("the last start raises")

    def _make(self, engine: Engine, entry: _Entry) -> None:
        task, began = entry.task, time.monotonic()

        def on_step(step: int, steps: int) -> None:
            self._tell(Stepped(place=self.name, task=task, step=step, steps=steps))

        self._tell(Began(place=self.name, task=task))
        try:
            engine.make(task, on_step)
        except EngineError as error:
            if self._is_ending:
                return
            if error.kind != "crashed":
                self._waiting.ended()
                if error.kind == "output":
                    self._waiting.stop()  # the others would fail alike
                self._tell(Failed(place=self.name, task=task, error=error))
                return
            engine.close()
            self._engine = None
            entry.lost_at.append(self.name)
            entry.for_others_until_s = time.monotonic() + _FOR_OTHERS_S
            if len(entry.lost_at) < MOST_TRIES:
                self._tell(Lost(place=self.name, task=task, error=error))
                self._waiting.put_back(entry)
                return
            self._waiting.ended()
            message = f"{MOST_TRIES} engines ended over it, the last: {error.message}"
            ended = EngineError(message, kind="crashed", advice=error.advice)
            self._tell(Failed(place=self.name, task=task, error=ended))
            return
        self._waiting.ended()
        seconds = time.monotonic() - began
        self._tell(Made(place=self.name, task=task, seconds=seconds))


def run_batch(tasks: Sequence[BatchTask], places: Mapping[str, OpenEngine]) -> Iterator[News]:
    """Make the pictures at all places at once, and yield what happens.

    Closed early, it ends all engines; what is made by then stays.

    Raises: EngineError of kind `output` as soon as nothing can be written; of another where no
    place is left, with the last one's reason.
    """
    waiting = WorkQueue(tasks, list(places))
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    threads = [_Place(name, opened, waiting, news.put) for name, opened in places.items()]
    left, reason = len(tasks), EngineError("there is no device", kind="device")
    try:
        for thread in threads:
            thread.start()
        while left:
            try:
                one = news.get(timeout=_WAIT_S)
            except queue.Empty:
                if any(thread.is_alive() for thread in threads) or not news.empty():
                    continue
                message = f"no engine is left for {left} pictures: {reason.message}"
                raise EngineError(message, kind=reason.kind, advice=reason.advice) from reason
            yield one
            match one:
                case Made():
                    left -= 1
                case Failed():
                    left -= 1
                    if one.error.kind == "output":
                        raise one.error
                case Closed():
                    reason = one.error
    finally:
        waiting.stop()
        for thread in threads:
            thread.end()
        end_s = time.monotonic() + _END_S
        for thread in threads:
            thread.join(timeout=max(end_s - time.monotonic(), 0))
