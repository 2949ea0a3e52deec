"""Contestants in processes of their own, who take turns with whole jobs."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.performance.peaks import can_measure, held_bytes, peak_of
from engine.contract.job import Job
from engine.process.quiet import silence_libraries

_CPU = torch.device("cpu")
_ENDS_WITHIN_S = 10.0

Latents = np.ndarray[Any, np.dtype[np.float32]]
Work = Callable[[Job], Latents | None]
"""Does a job, decoding included, and returns the last latents, (1, C, h, w), where it has them."""
Prepare = Callable[[Path, Job], Work]
"""Loads a model from a folder in diffusers' format, for jobs of one's sizes.

A function of a module, since it is sent over.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a contestant says of one job."""

    seconds: float
    peak_bytes: int | None
    """What the process held at its highest, where it was asked and the system tells."""
    latents: Latents | None


class Contestant:
    """A process that has loaded a model and does jobs when it is told."""

    def __init__(
        self, prepare: Prepare, folder: Path, job: Job, settle: Callable[[], None] | None = None
    ) -> None:
        """Start it and wait until it has loaded; `settle` sets variables that it alone has.

        Raises: RuntimeError with what went wrong there.
        """
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(theirs, prepare, folder, job, torch.get_num_threads()),
            daemon=True,
        )
        with _environment():
            if settle is not None:
                settle()
            self._process.start()
        theirs.close()
        try:
            self._answer()
        except RuntimeError:
            self.close()
            raise

    def run(self, job: Job, *, with_peak: bool = False) -> Done:
        """Do a job there.

        Raises: RuntimeError with what went wrong there.
        """
        self._connection.send((job, with_peak))
        answer = self._answer()
        assert isinstance(answer, Done)
        return answer

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(_ENDS_WITHIN_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except EOFError:
            raise RuntimeError("its process ended") from None
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return answer


@contextmanager
def _environment() -> Iterator[None]:
    """Take back what becomes of the variables within."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _serve(connection: Connection, prepare: Prepare, folder: Path, job: Job, threads: int) -> None:
    silence_libraries()
    torch.set_num_threads(threads)
    try:
        work = prepare(folder, job)
        connection.send(None)
        while True:
            job, with_peak = connection.recv()
            connection.send(_done(work, job, with_peak=with_peak))
    except EOFError:
        return
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}".splitlines()[0])


def _done(work: Work, job: Job, *, with_peak: bool) -> Done:
    found: list[Done] = []

    def once() -> None:
        began = time.perf_counter()
        latents = work(job)
        seconds = time.perf_counter() - began
        found.append(Done(seconds=seconds, peak_bytes=None, latents=latents))

    if not (with_peak and can_measure(_CPU)):
        once()
        return found[0]
    before = held_bytes(_CPU)
    peak = before + peak_of(once, _CPU)
    return Done(seconds=found[0].seconds, peak_bytes=peak, latents=found[0].latents)
