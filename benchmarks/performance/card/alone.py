"""A piece in a process of its own: whatever becomes of it, the others go on.

A card that was used in a forbidden way answers its process nothing any more, and a compilation
cannot be told to stop: both end with their process.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.performance.record import Aim, Record, in_words

_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a piece measured until it ended, and how it failed, if it did."""

    record: Record
    failure: str | None


class _Sent(Record):
    """A record that is sent on with each new line, so that nothing is lost that was measured."""

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection = connection

    def put(
        self, group: str, name: str, value: float, unit: str = "x", aim: Aim | None = None
    ) -> None:
        """Note a figure, show it and send it."""
        super().put(group, name, value, unit, aim)
        self.send()

    def remark(self, text: str) -> None:
        """Note something in words, show it and send it."""
        super().remark(text)
        self.send()

    def send(self, failure: str | None = None) -> None:
        """Send all that was noted so far."""
        plain = Record(figures=self.figures, series=self.series, remarks=self.remarks)
        self._connection.send(Outcome(record=plain, failure=failure))


def alone(name: str, work: Callable[[Record], object], *, limit_s: float, start: str) -> Outcome:
    """Let some work note figures under a name, in a new process that has so many seconds.

    `start` is how `multiprocessing` starts it.
    """
    context: Any = multiprocessing.get_context(start)
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sending, name, work))
    ends_at = time.monotonic() + limit_s
    process.start()
    sending.close()
    outcome = Outcome(record=Record(), failure="it ended before it said anything")
    try:
        while receiving.poll(max(0.0, ends_at - time.monotonic())):
            outcome = receiving.recv()
    except EOFError:
        process.join(_PATIENCE_S)
        if process.exitcode:
            why = f"its process ended with {process.exitcode}"
            return Outcome(record=outcome.record, failure=outcome.failure or why)
        return outcome
    finally:
        _end(process)
        receiving.close()
    why = f"it was ended after {limit_s:.0f} s, its share of the time"
    return Outcome(record=outcome.record, failure=why)


def _work(connection: Connection, name: str, work: Callable[[Record], object]) -> None:
    record = _Sent(connection)
    record.begin(name)
    try:
        work(record)
    except Exception as error:
        record.send(in_words(error))
    else:
        record.send()


def _end(process: Any) -> None:
    if process.is_alive():
        process.terminate()
        process.join(_PATIENCE_S)
    if process.is_alive():
        process.kill()
    with suppress(ValueError):
        process.join(_PATIENCE_S)
