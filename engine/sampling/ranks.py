"""One canvas over several devices: each rank predicts some windows, one sum a step joins them.

Tiles of a large picture are decoded in turn, and put together by the first rank.

All ranks walk through the same job: they draw the same noise and step the same canvas.
Source: https://docs.pytorch.org/docs/stable/elastic/run.html for the variables of `torchrun`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from engine.contract.cuts import TURNS
from engine.runtime.batching import Prediction, RegionWindow
from engine.runtime.controls import Elapsed
from engine.sampling.sampler import Plan

_BACKENDS = "cpu:gloo,cuda:nccl"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Ranks:
    """The processes that make one canvas together, and which of them this one is."""

    number: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.number == 0

    def agreed(self, value: _T) -> _T:
        """Return the first rank's value."""
        if self.count == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values)
        return values[0]

    def same(self, values: Tensor) -> Tensor:
        """Return the first rank's tensor; each gives one of the same shape."""
        if self.count > 1:
            values = values.contiguous()
            dist.broadcast(values, 0)
        return values

    def sum_(self, mixed: Tensor) -> None:
        """Add up the ranks' mixtures, on each of them."""
        if self.count > 1:
            dist.all_reduce(mixed)

    def tile(self, number: int, make: Callable[[], Tensor], on: torch.device) -> Tensor | None:
        """Return the n-th tile of a picture, made by the ranks in turn; on the first alone.

        Shapes: (C, H, W).
        """
        owner = number % self.count
        made = make() if owner == self.number else None
        if owner == 0:
            return made
        if made is not None:
            dist.send(torch.tensor(made.shape, device=on), 0)
            dist.send(made.contiguous(), 0)
            return None
        if not self.is_first:
            return None
        shape = torch.empty(3, dtype=torch.int64, device=on)
        dist.recv(shape, owner)
        received = torch.empty(*shape.tolist(), device=on)
        dist.recv(received, owner)
        return received

    def share(self, windows: Sequence[RegionWindow]) -> list[int]:
        """Return which windows this rank predicts, so that all have about as many cells.

        So in each turn, where windows shift.
        """
        shares: list[list[int]] = [[] for _ in range(self.count)]
        sizes = [one.window.height * one.window.width for one in windows]
        largest_first = sorted(range(len(windows)), key=lambda index: -sizes[index])
        still = [0] * self.count
        for turn in (None, *range(TURNS)):
            cells = still if turn is None else [*still]
            for index in largest_first:
                if windows[index].turn == turn:
                    least = cells.index(min(cells))
                    shares[least].append(index)
                    cells[least] += sizes[index]
        return sorted(shares[self.number])


ALONE = Ranks()


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """A plan of some of a job's windows; `own` says which they are among all."""

    plan: Plan
    own: Sequence[int]

    def predict(
        self, model_input: Tensor, t: Tensor, elapsed: Elapsed | None = None
    ) -> Iterator[Prediction]:
        """Yield the predictions of the rank's own windows."""
        for prediction in self.plan.predict(model_input, t, elapsed):
            yield Prediction(window=self.own[prediction.window], value=prediction.value)


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the processes that `torchrun` started with this one; alone without it."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    backends = _BACKENDS if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backends)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
