"""The two ends of a worker's pipes: messages whole, and nothing else among them."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from typing import BinaryIO

from engine.contract.protocol import Message, encode


@dataclass(slots=True)
class Wire:
    """Writes messages whole, from whichever thread."""

    stream: BinaryIO
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Message) -> None:
        """Write a message."""
        with self._lock:
            self.stream.write(encode(message))
            self.stream.flush()


def take_over_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Return private copies of stdin and stdout; what libraries print goes to stderr instead."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(requests, "rb", buffering=0), os.fdopen(answers, "wb")
