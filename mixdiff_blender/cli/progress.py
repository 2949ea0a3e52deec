"""How far something is, on stderr: a bar in a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

_WIDTH = 24
_EVERY_S = 30.0


class ProgressBar:
    """One bar a stage, drawn over as it goes; where nobody looks on, a line now and then.

    Elsewhere than in a terminal a stage's first and last line are printed, and one every half
    minute between.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._clock_s = clock_s
        self._drawn = self._stream.isatty()
        self._marks = "█░" if "utf" in (self._stream.encoding or "").lower() else "#-"
        self._stage = ""
        self._shown = ""
        self._printed_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def show(self, stage: str, text: str, share: float = 0.0) -> None:
        """Show a stage's text, and how much of the stage is done, 0 to 1."""
        if self._quiet or text == self._shown:
            return
        begins = stage != self._stage
        if begins:
            self.close()
        self._stage = stage
        if self._drawn:
            columns = shutil.get_terminal_size().columns - 1
            self._stream.write("\r" + f"{self._bar(share)}{text}"[:columns].ljust(columns))
            self._stream.flush()
        elif begins or share >= 1 or self._clock_s() - self._printed_s >= _EVERY_S:
            print(text, file=self._stream, flush=True)
            self._printed_s = self._clock_s()
        self._shown = text

    def close(self) -> None:
        """Leave what stands there and begin a line of its own for what comes next."""
        if self._drawn and self._shown:
            print(file=self._stream, flush=True)
        self._stage = self._shown = ""

    def _bar(self, share: float) -> str:
        if not share:
            return ""
        full = round(min(share, 1.0) * _WIDTH)
        return f"{self._marks[0] * full}{self._marks[1] * (_WIDTH - full)} "
