"""Talks to one engine process. Knows nothing of Blender; never blocks whoever calls it."""

from __future__ import annotations

import collections
import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from .contract import errors, protocol

_TAIL_LINES = 20
_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """News of a running request."""

    id: int
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The good end of a request."""

    id: int
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The bad end of a request."""

    id: int
    error: errors.EngineError


Event = Told | Succeeded | Failed


class EngineClient:
    """One engine process and the requests that are open with it.

    Every request ends in exactly one Succeeded or Failed, also when the process dies.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        """Start the process.

        Raises: EngineError of kind `environment` where it does not start.
        """
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # Ctrl-C in Blender's terminal is Blender's
            )
        except OSError as error:
            raise errors.EngineError(
                f"the engine cannot be started: {command[0]}: {error.strerror}",
                kind="environment",
                advice="choose another Python in the add-on's preferences",
            ) from error
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._next_id = 1
        self._gone: errors.EngineError | None = None
        self._tail: collections.deque[str] = collections.deque(maxlen=_TAIL_LINES)
        self._incoming: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._errors_read = self._start(self._read_errors)
        self._start(self._read)
        self._start(self._write)

    def _start(self, target: Any) -> threading.Thread:
        thread = threading.Thread(target=target, name=f"mixdiff {target.__name__}", daemon=True)
        thread.start()
        return thread

    @property
    def is_running(self) -> bool:
        """Whether the process is there and answers."""
        return self._gone is None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def request(self, method: str, **params: Any) -> int:
        """Send a request and return its id; its end comes among the events."""
        with self._lock:
            id_, self._next_id = self._next_id, self._next_id + 1
            if self._gone is not None:
                self._incoming.put(Failed(id=id_, error=self._gone))
                return id_
            self._open.add(id_)
        self._outgoing.put(protocol.encode(protocol.Request(id=id_, method=method, params=params)))
        return id_

    def cancel(self, id_: int) -> None:
        """Ask for a request to end early."""
        self.request("cancel", id=id_)

    def events(self) -> Iterator[Event]:
        """Yield what has come in since the last call, without waiting."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._incoming.get_nowait()

    def stop(self, grace_s: float = 2.0) -> None:
        """End the process: asked first, then made to. Returns within about the grace time."""
        if self.is_running:
            self.request("shutdown")
        self._outgoing.put(None)
        for end in (lambda: None, self._process.terminate, self._process.kill):
            end()
            deadline = time.monotonic() + grace_s / 2
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            if self._process.poll() is not None:
                return

    def _write(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        # A pipe that broke is noticed, and told, by the thread that reads.
        with contextlib.suppress(OSError, ValueError):
            while (line := self._outgoing.get()) is not None:
                _write_all(stdin, line)
            stdin.close()

    def _read(self) -> None:
        stdout: Any = self._process.stdout
        for line in protocol.read_lines(stdout):
            try:
                if isinstance(line, protocol.ProtocolError):
                    raise line
                self._take(protocol.decode(line))
            except protocol.ProtocolError as error:
                self._tail.append(f"(not a message: {error})")
        self._tell_that_it_is_gone()

    def _take(self, message: protocol.Message) -> None:
        match message:
            case protocol.Notification():
                id_ = message.params.get("id")
                if isinstance(id_, int):
                    news = Told(id=id_, method=message.method, params=message.params)
                    self._incoming.put(news)
            case protocol.Result() if self._closes(message.id):
                result = message.result if isinstance(message.result, dict) else {}
                self._incoming.put(Succeeded(id=int(message.id), result=result))
            case protocol.Failure() if message.id is not None and self._closes(message.id):
                error = protocol.exception(message)
                self._incoming.put(Failed(id=int(message.id), error=error))
            case protocol.Failure():
                self._tail.append(f"(the engine refused a line: {message.message})")
            case _:
                self._tail.append(f"(unexpected: {type(message).__name__})")

    def _closes(self, id_: protocol.RequestId) -> bool:
        with self._lock:
            if id_ in self._open:
                self._open.discard(int(id_))
                return True
        self._tail.append(f"(an answer to nothing: {id_!r})")
        return False

    def _tell_that_it_is_gone(self) -> None:
        # The pipe is closed: what still runs behind it can answer nothing any more.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        if self._process.poll() is None:
            self._process.kill()
        code = self._process.wait()
        self._errors_read.join(1)
        last = "".join(f"\n{line}" for line in self._tail)
        error = errors.EngineError(
            f"the engine ended with exit code {code}"
            + (f"; its last lines:\n{last}" if last else ""),
            kind="crashed",
            advice="generate again: a new engine is started",
        )
        with self._lock:
            self._gone = error
            lost, self._open = sorted(self._open), set()
        for id_ in lost:
            self._incoming.put(Failed(id=id_, error=error))

    def _read_errors(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        for line in iter(stderr.readline, b""):
            self._tail.append(line.decode("utf-8", "replace").rstrip())


def _write_all(pipe: IO[bytes], line: bytes) -> None:
    left = memoryview(line)
    while left:
        left = left[pipe.write(left) :]
