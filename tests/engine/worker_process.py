"""A real worker process to talk to."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from engine.contract.protocol import (
    Failure,
    Message,
    Notification,
    Request,
    Result,
    decode,
    encode,
    read_lines,
)
from tests.engine.conftest import TINY_SD

CHECKOUT = Path(__file__).parents[2]


class WorkerProcess:
    """Starts `python -m engine serve` and keeps what it says."""

    def __init__(self, **initialize: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.heard: list[Message] = []
        self._next_id = 0
        for name, target in (("out", self._read), ("err", self._read_errors)):
            threading.Thread(target=target, name=name, daemon=True).start()
        self.errors = bytearray()
        if initialize:
            params = {"protocol": 1, "device": "cpu", "model": str(TINY_SD), **initialize}
            self.result(self.send("initialize", **params))

    def _pipe(self, pipe: Any) -> BinaryIO:
        assert pipe is not None
        stream: BinaryIO = pipe
        return stream

    def _read(self) -> None:
        for line in read_lines(self._pipe(self.process.stdout)):
            assert isinstance(line, bytes), line
            self._messages.put(decode(line))
        self._messages.put(None)

    def _read_errors(self) -> None:
        while part := self._pipe(self.process.stderr).read(4096):
            self.errors += part

    def write(self, line: bytes) -> None:
        self._pipe(self.process.stdin).write(line)

    def send(self, method: str, **params: Any) -> int:
        self._next_id += 1
        self.write(encode(Request(id=self._next_id, method=method, params=params)))
        return self._next_id

    def next(self, timeout_s: float = 60) -> Message | None:
        message = self._messages.get(timeout=timeout_s)
        if message is not None:
            self.heard.append(message)
        return message

    def end_of(self, id_: int | None) -> Result | Failure:
        """Wait for a request's end and return it."""
        while (message := self.next()) is not None:
            if isinstance(message, Result | Failure) and message.id == id_:
                return message
        raise AssertionError(f"the worker ended: {self.errors.decode()}")

    def result(self, id_: int) -> Mapping[str, Any]:
        end = self.end_of(id_)
        assert isinstance(end, Result), end
        result: Mapping[str, Any] = end.result
        return result

    def wait_for(self, method: str, **params: Any) -> Notification:
        """Wait for a notification whose params hold the given ones."""
        while (message := self.next()) is not None:
            if (
                isinstance(message, Notification)
                and message.method == method
                and params.items() <= message.params.items()
            ):
                return message
        raise AssertionError(f"the worker ended: {self.errors.decode()}")

    def ended_within(self, seconds: float) -> bool:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def close(self) -> None:
        self._pipe(self.process.stdin).close()
        if not self.ended_within(10):
            self.kill()
            raise AssertionError("the worker outlived its stdin")


def wait_until(condition: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
