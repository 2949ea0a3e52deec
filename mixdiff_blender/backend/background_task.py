"""Something long that is no job, such as an installation or a download, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..contract import Cancelled, EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """How far a task is; `total_bytes` is 0 where nothing is known of it."""

    title: str
    done_bytes: int = 0
    total_bytes: int = 0

    @property
    def share(self) -> float:
        """How much of the bytes has arrived."""
        return self.done_bytes / self.total_bytes if self.total_bytes else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Nothing was begun, or it was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """It is under way."""

    doing: str
    """A sentence for those who want to begin another one."""
    progress: TaskProgress
    is_cancelling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """It is through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """It ended before it was through; what had arrived is kept."""

    error: EngineError


TaskState = Idle | Running | Finished | Broken


class BackgroundTask:
    """Runs one such thing at a time; `state` may be read from any thread."""

    def __init__(self) -> None:
        self._state: TaskState = Idle()
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> TaskState:
        """What it does, or how it ended."""
        state = self._state
        if isinstance(state, Running) and self.is_cancelled():
            return replace(state, is_cancelling=True)
        return state

    @property
    def is_active(self) -> bool:
        """Whether it is under way."""
        return self._thread is not None and self._thread.is_alive()

    def is_cancelled(self) -> bool:
        """Tell what runs whether it is still wanted."""
        return self._cancelled.is_set()

    def start(self, doing: str, first: TaskProgress, steps: Iterator[TaskProgress]) -> None:
        """Begin; `doing` is a sentence that says what, and `steps` asks `is_cancelled` as it goes.

        Raises: EngineError of kind `busy` while another one runs.
        """
        if self.is_active:
            running = self._state.doing if isinstance(self._state, Running) else doing
            raise EngineError(running, kind="busy", advice="wait for it, or cancel it")
        self._cancelled.clear()
        self._state = Running(doing=doing, progress=first)
        self._thread = threading.Thread(target=self._run, args=(doing, steps), name="mixdiff_task")
        self._thread.daemon = True
        self._thread.start()

    def cancel(self) -> None:
        """Ask for the end; it comes within a second."""
        self._cancelled.set()

    def pump(self, wait_s: float = 0.0) -> None:
        """Wait for the end, at most so long; the thread needs nobody to move it on."""
        if self._thread and wait_s:
            self._thread.join(wait_s)

    def _run(self, doing: str, steps: Iterator[TaskProgress]) -> None:
        try:
            for progress in steps:
                self._state = Running(doing=doing, progress=progress)
        except Cancelled:
            self._state = Idle()
        except EngineError as error:
            self._state = Broken(error=error)
        except Exception as error:
            what = f"{doing}, but it failed: {type(error).__name__}: {error}"
            self._state = Broken(error=EngineError(what, kind="internal", advice="try it again"))
        else:
            self._state = Finished()
