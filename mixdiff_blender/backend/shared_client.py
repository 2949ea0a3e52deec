"""One process whose requests several sessions make: each sees its own answers alone.

Used from one thread, as sessions are.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..contract import EngineError
from .client import EngineClient, ErrorResponse, Event, ProcessExit


class SharedClient:
    """Starts the process with the first session, and another one after it has ended."""

    def __init__(self, start: Callable[[], EngineClient]) -> None:
        self._start = start
        self._process: _Process | None = None

    def connect(self) -> Part:
        """Return a session's part in the process that runs, or in a new one.

        Raises: EngineError of kind `environment` where it cannot be started.
        """
        if self._process is None or not self._process.client.is_running:
            self._process = _Process(self._start())
        part = Part(self._process)
        self._process.parts.append(part)
        return part


class _Process:
    """A process and those who take part in it, to its end: that is told to each of them."""

    def __init__(self, client: EngineClient) -> None:
        self.client = client
        self.parts: list[Part] = []

    def sort(self, wait_s: float) -> None:
        """Give what the process has told to whom it belongs, waiting for it at most so long.

        Raises: queue.Empty where there is nothing.
        """
        event = self.client.events.get(block=wait_s > 0, timeout=wait_s or None)
        for part in self.parts:
            part.take(event)


class Part:
    """What a session sees of the process, as `Client` has it."""

    def __init__(self, process: _Process) -> None:
        self._process, self._client = process, process.client
        self._own: set[int] = set()
        self._last = 0
        self._events: deque[Event] = deque()

    @property
    def events(self) -> Part:
        """What the process has told this session."""
        return self

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._client.pid

    @property
    def is_running(self) -> bool:
        """Whether requests can still be answered."""
        return self._client.is_running

    def take(self, event: Event) -> None:
        """Take in an event that is this session's, or everybody's."""
        if isinstance(event, ProcessExit) or event.id in self._own:
            self._events.append(event)

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        """Return this session's next event, waiting at most so long.

        Raises: queue.Empty.
        """
        end_s = time.monotonic() + (timeout or 0)
        while not self._events:
            wait_s = end_s - time.monotonic() if block else 0
            if block and wait_s <= 0:
                raise queue.Empty
            self._process.sort(max(wait_s, 0))
        return self._events.popleft()

    def request(
        self, method: str, params: Mapping[str, Any], *, timeout_s: float | None = None
    ) -> int:
        """Send a request and return its id."""
        id_ = self._client.request(method, params, timeout_s=timeout_s)
        self._own.add(id_)
        self._last = id_
        return id_

    def cancel(self, id_: int, *, grace_s: float | None = None) -> None:
        """Ask for a request to end; the process is not ended over it."""
        self._client.cancel(id_)

    def kill(self, verdict: EngineError) -> None:
        """End the process now, with everybody's requests; of what is cancelled, its own alone."""
        if verdict.kind == "cancelled":
            self._events.append(ErrorResponse(id=self._last, error=verdict))
        else:
            self._client.kill(verdict)

    def stop(self) -> None:
        """Have the process go, with everybody's requests."""
        if self._client.is_running:
            self._client.stop()
