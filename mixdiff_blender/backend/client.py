"""Runs the engine's process and carries its messages; knows nothing of Blender.

Every request ends in exactly one Answer or Refusal, whatever happens to the process.
"""

from __future__ import annotations

import contextlib
import io
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from ..contract import (
    MAX_MESSAGE_BYTES,
    PARSE_ERROR,
    Cancelled,
    EngineError,
    Failure,
    Notification,
    ProtocolError,
    Request,
    Result,
    decode,
    encode,
    exception,
    read_lines,
)
from ..storage.processes import kill, start
from ..storage.watchdog import PARENT_VARIABLE, parent_description
from .logs import Log

_EXIT_WAIT_S = 5.0
_LAST_WORDS_S = 1.0
_TAIL_LINES = 8
_LINE_BYTES = 2**14


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start the engine: a command, never a shell's, and the variables it sees."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The good end of a request."""

    id: int
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorResponse:
    """The bad end of a request."""

    id: int
    error: EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineNotification:
    """What the engine tells of a request that runs."""

    id: int
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """The process is gone; the error says why, unless it was asked to go."""

    error: EngineError | None


Event = Answer | ErrorResponse | EngineNotification | ProcessExit


class Events(Protocol):
    """What the engine has told, in its order."""

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        """Return the next event, waiting at most so long.

        Raises: queue.Empty.
        """


class Client(Protocol):
    """An engine's process, or a part in one."""

    @property
    def events(self) -> Events:
        """What it has told."""

    @property
    def pid(self) -> int:
        """The process's id."""

    @property
    def is_running(self) -> bool:
        """Whether requests can still be answered."""

    def request(
        self, method: str, params: Mapping[str, Any], *, timeout_s: float | None = None
    ) -> int:
        """Send a request and return its id; a process that overruns the time is ended."""

    def cancel(self, id_: int, *, grace_s: float | None = None) -> None:
        """Ask for a request to end soon, and see to it after the grace time."""

    def kill(self, verdict: EngineError) -> None:
        """End the process now; open requests end with the verdict."""

    def stop(self) -> None:
        """Ask the process to go, and make it go."""


class EngineClient:
    """One process of the engine; `events` fills from other threads."""

    def __init__(self, launch: Launch, *, log_file: Path) -> None:
        """Start the process.

        Raises: EngineError of kind `environment` where it cannot be started.
        """
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.log = Log(log_file)
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._last_id = 0
        self._verdict: EngineError | None = None
        self._stopping = False
        self._ended = False
        self._process = _start(launch)
        self._listener = _thread(self._listen)
        for target in (self._read, self._write):
            _thread(target)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether requests can still be answered: it has neither ended nor been told to."""
        return not self._ended and self._verdict is None

    def request(
        self, method: str, params: Mapping[str, Any], *, timeout_s: float | None = None
    ) -> int:
        """Send a request and return its id; a process that overruns the time is ended."""
        with self._lock:
            self._last_id += 1
            id_ = self._last_id
            self._open.add(id_)
        line = encode(Request(id=id_, method=method, params=params))
        if len(line) > MAX_MESSAGE_BYTES:
            message = f"the job is larger than {MAX_MESSAGE_BYTES} bytes"
            self._refuse(id_, EngineError(message, kind="job", advice="shorten its prompts"))
            return id_
        self._outgoing.put(line)
        if self._ended:
            self._refuse_all(self._crash())
        elif timeout_s is not None:
            self._later(timeout_s, lambda: self._overrun(id_, method, timeout_s))
        return id_

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        watch = threading.Timer(seconds, action)
        watch.daemon = True
        watch.start()

    def cancel(self, id_: int, *, grace_s: float | None = None) -> None:
        """Ask for a request to end soon; its own end still comes as an event.

        A process that has not ended it within the grace time is ended itself.
        """
        self.request("cancel", {"id": id_})
        if grace_s is not None:
            self._later(grace_s, lambda: self._kill_over(id_, Cancelled()))

    def kill(self, verdict: EngineError) -> None:
        """End the process now; open requests end with the verdict."""
        with self._lock:
            self._verdict = self._verdict or verdict
        kill(self._process)

    def _kill_over(self, id_: int, verdict: EngineError) -> None:
        """End the process where a request is still open."""
        with self._lock:  # or what is sent meanwhile would end with it
            if id_ not in self._open:
                return
            self._verdict = self._verdict or verdict
        kill(self._process)

    def stop(self, grace_s: float = 0.5) -> None:
        """Ask the process to go, and make it go; takes twice the grace at most."""
        self._stopping = True
        self._verdict = self._verdict or Cancelled()
        self.request("shutdown", {})
        self._outgoing.put(None)
        for harsher in (self._process.terminate, lambda: kill(self._process)):
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                harsher()
            else:
                return

    def _write(self) -> None:
        stream = self._process.stdin
        assert stream is not None
        # A broken pipe means that the process is gone, which the reading thread tells.
        with contextlib.suppress(OSError), stream:
            while (line := self._outgoing.get()) is not None:
                _write_all(stream, line)

    def _listen(self) -> None:
        """Keep what the process says beside its answers; left unread, it would block it."""
        stream = self._process.stderr
        assert stream is not None
        with io.BufferedReader(cast(io.RawIOBase, stream)) as lines:
            while line := lines.readline(_LINE_BYTES):
                self.log.write(line.decode("utf-8", "replace"))

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with stream:
            for line in read_lines(stream):  # type: ignore[arg-type]
                try:
                    if isinstance(line, ProtocolError):
                        raise line
                    self._take(line)
                except ProtocolError as error:
                    if line is error and error.code == PARSE_ERROR:
                        break  # half a line: the process died while it wrote
                    # The line may have been the end of a request, which would then never come.
                    message = f"a message of the engine could not be read: {error}"
                    advice = f"generate again; the log is {self.log.path}"
                    self.kill(EngineError(message, kind="protocol", advice=advice))
                    break
        try:
            self._process.wait(_EXIT_WAIT_S)
        except subprocess.TimeoutExpired:
            kill(self._process)
            self._process.wait()
        self._listener.join(_LAST_WORDS_S)
        self._outgoing.put(None)
        self._ended = True
        crash = self._crash()
        self._refuse_all(crash)
        self.events.put(ProcessExit(error=None if self._stopping else crash))

    def _take(self, line: bytes) -> None:
        match decode(line):
            case Result(id=int(id_), result=result) if self._close(id_):
                self.events.put(Answer(id=id_, result=result))
            case Failure(id=int(id_)) as failed:
                self._refuse(id_, exception(failed))
            case Failure(message=message, code=code):
                raise ProtocolError(code, f"it could not read a request: {message}")
            case Notification(method=method, params={"id": int(id_), **params}):
                if id_ in self._open:
                    self.events.put(EngineNotification(id=id_, method=method, params=params))
            case _:
                pass

    def _close(self, id_: int) -> bool:
        """Note that a request has ended; return whether it was open."""
        with self._lock:
            was_open = id_ in self._open
            self._open.discard(id_)
        return was_open

    def _refuse(self, id_: int, error: EngineError) -> None:
        if self._close(id_):
            self.events.put(ErrorResponse(id=id_, error=error))

    def _refuse_all(self, error: EngineError) -> None:
        with self._lock:
            left = sorted(self._open)
        for id_ in left:
            self._refuse(id_, error)

    def _overrun(self, id_: int, method: str, timeout_s: float) -> None:
        message = f"the engine did not answer {method!r} within {timeout_s:g} seconds"
        self._kill_over(id_, EngineError(message, kind="crashed", advice=self._last_words()))

    def _crash(self) -> EngineError:
        message = f"the engine ended unexpectedly ({_cause(self._process.returncode)})"
        return self._verdict or EngineError(message, kind="crashed", advice=self._last_words())

    def _last_words(self) -> str:
        lines = self.log.tail(_TAIL_LINES)
        tail = "\n".join(lines) if lines else "(nothing)"
        return f"generate again; the last lines of its log, {self.log.path}, are:\n{tail}"


def _thread(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name=f"mixdiff{target.__name__}", daemon=True)
    thread.start()
    return thread


def _start(launch: Launch) -> subprocess.Popen[bytes]:
    return start(
        launch.command,
        {**launch.environment, PARENT_VARIABLE: parent_description()},
        fault=f"the engine cannot be started: {launch.command[0]}",
        advice="choose the engine's Python in the add-on's preferences",
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tempfile.gettempdir(),
        bufsize=0,
    )


def _write_all(stream: IO[bytes], line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[stream.write(rest) :]


def _cause(returncode: int | None) -> str:
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    memory = "; perhaps the memory was full" if name == "SIGKILL" else ""
    return f"exit code {returncode}, {name}{memory}"
