"""A result made larger: its picture to start from, its regions where they lay."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

import bpy

from ..backend import engine, measured
from ..backend.progress import Estimate
from ..contract import EngineError, Job, enlarged, scaled_size
from ..job.model_facts import facts_of_model
from ..properties import HistoryEntry
from . import generation, history
from .documents import job_of
from .generation import Then

_COUNT_EVERY_S = 2.0
"""A large picture has thousands of windows; drawing must not count them at each redraw."""


def begin(
    scene: bpy.types.Scene,
    entry: HistoryEntry,
    scale: float,
    *,
    strength: float,
    steps: int | None = None,
    seed: int | None = None,
    picture: Path | None = None,
    output: Path | None = None,
    then: Then | None = None,
) -> None:
    """Begin to make a result so many times as large, as an entry of its own.

    `strength` says how much of the picture stays, from 0 to 1; without a seed it is the result's.
    `picture` is another than the result's own: the same one, retouched.

    Raises: EngineError where it cannot begin.
    """
    if entry.shot:
        raise EngineError(
            f"{entry.name} is a shot of many pictures",
            kind="job",
            advice="load the frame that should be larger (Load Picture)",
        )
    file = history.own_file(entry) if picture is None else picture
    pending = generation.from_result(scene, entry, job_of(entry), f"{entry.name} {scale:g}×")
    larger = _larger(pending.job, scale, strength, steps, seed, picture=str(file))
    generation.send(scene, generation.changed(pending, larger), output=output, then=then)


def planned(
    entry: HistoryEntry, scale: float, strength: float
) -> tuple[tuple[int, int], Estimate | None]:
    """Return the width and the height of a result made larger, and what that will take.

    Raises: EngineError of kind `job` where the result's job cannot be read.
    """
    moment = time.monotonic() // _COUNT_EVERY_S
    return _planned_at(moment, entry.key, entry.job, scale, strength) or _planned(
        entry, scale, strength
    )


@lru_cache(maxsize=8)
def _planned_at(
    moment: float, key: str, document: str, scale: float, strength: float
) -> tuple[tuple[int, int], Estimate | None] | None:
    """Return the same for the entry with a key, None where it cannot be told."""
    entry = next(filter(None, (history.find(scene, key) for scene in bpy.data.scenes)), None)
    try:
        return None if entry is None else _planned(entry, scale, strength)
    except EngineError:
        return None


def _planned(
    entry: HistoryEntry, scale: float, strength: float
) -> tuple[tuple[int, int], Estimate | None]:
    job = history.with_own_model(entry, job_of(entry))
    job = _larger(job, scale, strength, None, None, picture="-")
    stride_px = facts_of_model(job.model or "").family.stride_px
    estimate = measured.estimate(job, stride_px, is_loaded=engine.session.has_model)
    return (job.canvas_width, job.canvas_height), estimate


def _larger(
    job: Job,
    scale: float,
    strength: float,
    steps: int | None,
    seed: int | None,
    *,
    picture: str,
) -> Job:
    facts = facts_of_model(job.model or "")
    scale, strength = (float(f"{value:.6g}") for value in (scale, strength))  # from 32 bits
    return enlarged(
        job,
        scaled_size(job, scale, facts.grid_px),
        facts,
        picture=picture,
        strength=strength,
        steps=steps,
        seed=seed,
    )
