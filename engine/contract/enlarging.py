"""A picture's job, made again larger: its picture to start from, its regions where they lay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from .earlier import STRENGTH, SecondPass
from .geometry import SIDES, Axes
from .job import MAX_STEPS, Job, Region, Text2ImageRegion
from .loras import unidentified
from .models import ModelFacts

_LEAST_STEPS = 4  # fewer leave grain of their noise

_R = TypeVar("_R", bound=Region)


def scaled_size(job: Job, scale: float, grid_px: int) -> tuple[int, int]:
    """Return the height and the width of a job's canvas at a scale, on a model's grid."""
    height, width = (
        max(round(side * scale / grid_px), 1) * grid_px
        for side in (job.canvas_height, job.canvas_width)
    )
    return height, width


def enlarged(
    job: Job,
    size_px: tuple[int, int],
    facts: ModelFacts,
    *,
    picture: str,
    strength: float = STRENGTH,
    steps: int | None = None,
    seed: int | None = None,
) -> Job:
    """Return the job that makes a picture of a height and a width out of a job's own `picture`.

    Regions lie where they lay, and are seen in windows as large as the model generates well, by
    its `facts`. What composes a picture is done with: base pass, noise map, and what changed the
    start. Without `steps` they are as far apart as the job's; without a `seed` it is the job's.
    """
    old = (job.canvas_height, job.canvas_width)
    factors = tuple(new / before for new, before in zip(size_px, old, strict=True))

    def moved(region: _R) -> _R:
        sides = _sides(region, size_px, factors, facts.grid_px, job.wrapped)
        other: dict[str, Any] = {**sides, "noise_eps": 0.0}
        if isinstance(region, Text2ImageRegion) and region.mask_type == "feather":
            other["feather_px"] = round(region.feather_px * math.sqrt(math.prod(factors)))
        return replace(region, **other)

    job = unidentified(job)
    return replace(
        job,
        canvas_height=size_px[0],
        canvas_width=size_px[1],
        num_inference_steps=steps or max(round(whole_steps(job) * (1 - strength)), _LEAST_STEPS),
        seed=job.seed if seed is None else seed,
        regions=tuple(map(moved, job.regions)),
        reroll_regions=(),
        kept=None,
        second_pass=SecondPass(picture=picture, strength=strength),
        base_prompt="",
        base_strength=0.0,
        max_region_px=facts.largest_px,
        decode_steps=False,
        noise_map=None,
    )


def _sides(
    region: Region,
    size_px: tuple[int, int],
    factors: tuple[float, ...],
    grid_px: int,
    wrapped: Axes,
) -> Mapping[str, int]:
    """Return where a region lies on the larger canvas, on the grid and not empty.

    Where the canvas wraps it may go on beyond.
    """
    found = list[int]()
    for (start, end), most, factor, wraps in zip(
        (region.bounds[:2], region.bounds[2:]), size_px, factors, wrapped, strict=True
    ):
        first, last = (round(side * factor / grid_px) * grid_px for side in (start, end))
        first = min(first, most - grid_px)
        found += [first, min(max(last, first + grid_px), first + most if wraps else most)]
    return dict(zip(SIDES, found, strict=True))


def whole_steps(job: Job) -> int:
    """Return the steps from noise alone that are as far apart as a job's."""
    left = 1 - job.second_pass.strength if job.second_pass is not None else 1.0
    return min(round(job.num_inference_steps / left), MAX_STEPS) if left else MAX_STEPS
