"""Several pictures of one scene, each with another seed, one after the other."""

from __future__ import annotations

from dataclasses import replace

import bpy

from ..backend import engine
from ..backend.session import Job, Outcome
from ..contract import SEED, EngineError
from ..properties import canvas_settings
from . import generation


def begin(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, count: int) -> None:
    """Begin to make pictures of the scene as it is now.

    The seeds count up from the scene's; without one each is drawn at random. The first that is
    cancelled or fails is the last.

    Raises: EngineError where they cannot begin.
    """
    pending = generation.prepare(scene, depsgraph)
    jobs: list[Job] = []

    def then(outcome: Outcome) -> None:
        if isinstance(outcome, EngineError) or outcome.was_cancelled:
            rest = jobs.copy()
            jobs.clear()
            engine.queue.remove(*rest)

    for seed in _seeds(canvas_settings(scene).seed, count):
        one = replace(pending, job=replace(pending.job, seed=seed))
        jobs.append(generation.send(scene, one, then=then))


def _seeds(first: int | None, count: int) -> list[int | None]:
    if first is None:
        return [None] * count
    return [(first + number) % (int(SEED.maximum or 0) + 1) for number in range(count)]
