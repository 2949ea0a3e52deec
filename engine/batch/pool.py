"""Who makes what: places take tasks, and what a lost engine had goes to another.

Each place has a thread that opens its engine and gives it one task after another.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.batch.tasks import BatchTask
from engine.batch.work_queue import (
    MOST_TRIES,
    Began,
    Closed,
    Engine,
    Entry,
    Failed,
    Lost,
    Made,
    News,
    OpenEngine,
    Stepped,
    WorkQueue,
)
from engine.contract.errors import Cancelled, EngineError, first_line

_MOST_FAILED_STARTS = 3
_CANCEL_GRACE_S = 5.0
_WAIT_S = 0.25
_END_S = 5.0


class _Place(threading.Thread):
    """The thread of a place."""

    def __init__(
        self, name: str, open_engine: OpenEngine, waiting: WorkQueue, tell: Callable[[News], None]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._open_engine, self._waiting, self._tell = open_engine, waiting, tell
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._entry: Entry | None = None
        self._is_cancelled = False
        self._is_ending = False

    def end(self) -> None:
        """End the engine, with whatever it does."""
        self._is_ending = True
        if self._engine is not None:
            self._engine.close()

    def rest(self) -> None:
        """End the engine where it has nothing to do; the next task opens another."""
        with self._lock:
            if self._entry is None and self._engine is not None:
                self._engine.close()
                self._engine = None

    def cancel(self, task: BatchTask) -> bool:
        """Have a picture end soon, with its engine if need be; return whether it was made here."""
        with self._lock:
            entry, engine = self._entry, self._engine
            if entry is None or engine is None or entry.task is not task:
                return False
            self._is_cancelled = True

        def insist() -> None:
            if self._entry is entry:
                engine.close()

        watch = threading.Timer(_CANCEL_GRACE_S, insist)
        watch.daemon = True
        watch.start()
        engine.cancel()
        return True

    def run(self) -> None:
        """Work until nothing is left, or the place is good for nothing."""
        try:
            self._work()
        except EngineError as error:
            self._leave(error)
        except Exception as error:
            wrong = EngineError(f"{type(error).__name__}: {first_line(error)}", kind="internal")
            self._leave(wrong)
        finally:
            self._waiting.leave(self.name)
            if self._engine is not None:
                self._engine.close()

    def _leave(self, error: EngineError) -> None:
        self._waiting.leave(self.name)
        self._tell(Closed(place=self.name, error=error))

    def _work(self) -> None:
        model = None
        while self._waiting.has_work(self.name, is_open=self._engine is not None):
            engine = self._engine or self._new_engine()
            if self._is_ending:
                return
            entry = self._waiting.take(self.name, model)
            if entry is None:
                return
            model = entry.task.job.model
            with self._lock:
                self._entry, self._is_cancelled = entry, False
            try:
                self._make(engine, entry)
            finally:
                with self._lock:
                    self._entry = None

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

    def _make(self, engine: Engine, entry: Entry) -> None:
        task, began = entry.task, time.monotonic()

        def on_step(step: int, steps: int) -> None:
            self._tell(Stepped(place=self.name, task=task, step=step, steps=steps))

        self._tell(Began(place=self.name, task=task))
        try:
            account = engine.make(task, on_step)
        except EngineError as error:
            if self._is_ending:
                return
            if error.kind == "crashed":
                engine.close()
                self._engine = None
            if self._is_cancelled:
                self._fail(task, Cancelled())
            elif error.kind == "crashed":
                self._lose(entry, error)
            else:
                self._fail(task, error)
            return
        self._waiting.ended()
        seconds = time.monotonic() - began
        self._tell(Made(place=self.name, task=task, seconds=seconds, account=account))

    def _lose(self, entry: Entry, error: EngineError) -> None:
        entry.lose_at(self.name)
        if len(entry.lost_at) < MOST_TRIES:
            self._tell(Lost(place=self.name, task=entry.task, error=error))
            self._waiting.put_back(entry)
            return
        message = f"{MOST_TRIES} engines ended over it, the last: {error.message}"
        self._fail(entry.task, EngineError(message, kind="crashed", advice=error.advice))

    def _fail(self, task: BatchTask, error: EngineError) -> None:
        self._waiting.ended()
        if error.kind == "output" and not self._waiting.stays:
            self._waiting.stop()  # the others would fail alike
        self._tell(Failed(place=self.name, task=task, error=error))


class Pool:
    """The places' threads over one queue; what happens is told from them.

    Where it `stays`, more tasks may come; else its threads end with the last one.
    """

    def __init__(
        self,
        places: Mapping[str, OpenEngine],
        tell: Callable[[News], None],
        tasks: Sequence[BatchTask] = (),
        *,
        stays: bool = False,
    ) -> None:
        self._waiting = WorkQueue(tasks, list(places), stays=stays)
        self._threads = [
            _Place(name, opened, self._waiting, tell) for name, opened in places.items()
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether a place is left."""
        return any(thread.is_alive() for thread in self._threads)

    def add(self, task: BatchTask) -> None:
        """Let a task wait for a place."""
        self._waiting.add(task)

    def cancel(self, task: BatchTask) -> bool:
        """Have a task end soon, waiting or not; of one that waited nothing more is told.

        Return whether it was still to be made.
        """
        return self._waiting.remove(task) or any(one.cancel(task) for one in self._threads)

    def rest(self) -> None:
        """End the engines that have nothing to do."""
        for thread in self._threads:
            thread.rest()

    def end(self) -> None:
        """End all engines, with whatever they do."""
        self._waiting.stop()
        for thread in self._threads:
            thread.end()
        end_s = time.monotonic() + _END_S
        for thread in self._threads:
            thread.join(timeout=max(end_s - time.monotonic(), 0))


def run_batch(tasks: Sequence[BatchTask], places: Mapping[str, OpenEngine]) -> Iterator[News]:
    """Make the pictures at all places at once, and yield what happens.

    Closed early, it ends all engines; what is made by then stays.

    Raises: EngineError of kind `output` as soon as nothing can be written; of another where no
    place is left, with the last one's reason.
    """
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    left, reason = len(tasks), EngineError("there is no device", kind="device")
    pool = Pool(places, news.put, tasks)
    try:
        while left:
            try:
                one = news.get(timeout=_WAIT_S)
            except queue.Empty:
                if pool.is_alive or not news.empty():
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
        pool.end()
