"""Several pictures of one scene, each with another seed, at once where there are more engines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import bpy

from ..backend import engine
from ..backend.states import Job, Outcome, Skipped
from ..backend.wording import duration
from ..contract import SEED, EngineError
from ..properties import canvas_settings, preferences
from . import generation
from .generation import PendingJob


@dataclass(slots=True, kw_only=True, eq=False)
class Batch:
    """Pictures that were asked for together."""

    count: int
    left: dict[int, Job] = field(default_factory=dict)
    """Those that are not through."""
    made: int = 0
    started_s: float = field(default_factory=time.monotonic)

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return (self.made + sum(map(engine.queue.share_of, self.left.values()))) / self.count

    @property
    def text(self) -> str:
        """How far it is, as a bar says it."""
        done = f"{self.made} of {self.count} pictures"
        if not self.made:
            return done
        left_s = (time.monotonic() - self.started_s) * (1 / self.share - 1)
        return f"{done} · {duration(left_s)} left"

    def send(self, scene: bpy.types.Scene, pictures: Sequence[PendingJob]) -> None:
        """Send all of them.

        Raises: EngineError where they cannot begin.
        """
        _under_way.append(self)
        try:
            for number, one in enumerate(pictures):
                self.left[number] = generation.send(scene, one, then=partial(self._then, number))
        except EngineError:
            self.cancel()
            raise

    def cancel(self) -> None:
        """End it with the pictures that are there."""
        left, self.left = self.left, {}
        if self in _under_way:
            _under_way.remove(self)
        engine.queue.remove(*left.values())

    def _then(self, number: int, outcome: Outcome) -> None:
        """Take in the end of one; the first that fails, or is cancelled with all, is the last."""
        self.left.pop(number, None)
        if isinstance(outcome, Skipped):
            self.count -= 1
        elif isinstance(outcome, EngineError) or outcome.was_cancelled:
            self.cancel()
        else:
            self.made += 1
        if not self.left and self in _under_way:
            _under_way.remove(self)


_under_way: list[Batch] = []


def under_way() -> tuple[Batch, ...]:
    """Return the batches that are being made."""
    return tuple(_under_way)


def begin(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, count: int) -> None:
    """Begin to make pictures of the scene as it is now, on the cluster where one is set.

    The seeds count up from the scene's; without one each is drawn at random. The first that is
    cancelled or fails is the last, unless it alone is taken out.

    Raises: EngineError where they cannot begin.
    """
    pending = replace(generation.prepare(scene, depsgraph), place=preferences.cluster())
    seeds = _seeds(canvas_settings(scene).seed, count)
    pictures = [replace(pending, job=replace(pending.job, seed=seed)) for seed in seeds]
    Batch(count=count).send(scene, pictures)


def _seeds(first: int | None, count: int) -> list[int | None]:
    if first is None:
        return [None] * count
    return [(first + number) % (int(SEED.maximum or 0) + 1) for number in range(count)]
