"""Clocks, and contestants that run beside each other."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from statistics import median
from typing import Protocol, TypeVar

import torch

T = TypeVar("T")
Run = Callable[[], Iterator[str]]
"""Does one piece of work before each name that it yields."""
Laps = dict[str, list[float]]
"""Seconds of every piece of work, by its name."""


class Clock(Protocol):
    """Says how long something takes on a device."""

    def time(self, work: Callable[[], T]) -> tuple[float, T]:
        """Do the work and return the seconds it took, and what it returned."""


class HostClock:
    """The processor's own clock."""

    def time(self, work: Callable[[], T]) -> tuple[float, T]:
        """Do the work and return the seconds it took, and what it returned."""
        began = time.perf_counter()
        result = work()
        return time.perf_counter() - began, result


class CudaClock:
    """CUDA events: from when the device begins the work to when it has ended it."""

    def time(self, work: Callable[[], T]) -> tuple[float, T]:
        """Do the work and return the seconds it took, and what it returned."""
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        result = work()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1000, result


def clock_for(device: torch.device) -> Clock:
    """Return the clock that suits a device."""
    return CudaClock() if device.type == "cuda" else HostClock()


def in_turn(contestants: Mapping[str, Run], clock: Clock, *, rounds: int = 1) -> dict[str, Laps]:
    """Run contestants beside each other: a piece of each, then the next piece of each.

    Whatever else a machine does meanwhile meets all of them alike. Who begins changes from piece
    to piece.
    """
    laps: dict[str, Laps] = {name: defaultdict(list) for name in contestants}
    for _ in range(rounds):
        running = {name: run() for name, run in contestants.items()}
        while running:
            for name, run in list(running.items()):
                seconds, label = clock.time(partial(next, run, None))
                if label is None:
                    del running[name]
                else:
                    laps[name][label].append(seconds)
            order = list(running.items())
            running = dict(order[1:] + order[:1])
    return laps


def one_after_another(
    contestants: Mapping[str, Run], clock: Clock, *, rounds: int
) -> dict[str, Laps]:
    """Run each contestant to its end before the next begins; the only lap is the whole run.

    For devices that work ahead of the host, whom a clock between the pieces would hold up.
    """
    laps: dict[str, Laps] = {name: {"run": []} for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            seconds, _ = clock.time(partial(_drained, run))
            if turn:  # the first warms up
                laps[name]["run"].append(seconds)
    return laps


def _drained(run: Run) -> None:
    for _ in run():
        pass


def medians(
    works: Mapping[str, Callable[[], object]], clock: Clock, rounds: int
) -> dict[str, float]:
    """Return the median seconds of each work, done in turn."""

    def repeated(work: Callable[[], object]) -> Run:
        def run() -> Iterator[str]:
            for _ in range(rounds):
                work()
                yield "once"

        return run

    laps = in_turn({name: repeated(work) for name, work in works.items()}, clock)
    return {name: median(laps[name]["once"]) for name in works}
