"""What of a job is left to chance, and is drawn once before it runs."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TypeVar

from .job import DiffusionRegion, Job, Region, Text2ImageRegion

_SEED_END = 9_999_999_999  # the original draws its seeds from [0, 9999999999)
_GUIDANCE = (5, 30)  # and a guidance of None from the whole numbers of [5, 30)

_R = TypeVar("_R", bound=Region)


def random_seed(draw: random.Random) -> int:
    """Return a seed at random."""
    return draw.randrange(_SEED_END)


def random_guidance(draw: random.Random) -> int:
    """Return a guidance at random, for a guidance_scale of None."""
    return draw.randrange(*_GUIDANCE)


def resolve_random(job: Job, draw: random.Random) -> Job:
    """Return the job with each seed and guidance that was left to chance filled in."""

    def seeded(region: _R) -> _R:
        if region.region_seed is not None:
            return region
        return replace(region, region_seed=random_seed(draw))

    def guided(region: DiffusionRegion) -> DiffusionRegion:
        if isinstance(region, Text2ImageRegion) and region.guidance_scale is None:
            return replace(region, guidance_scale=random_guidance(draw))
        return region

    return replace(
        job,
        seed=random_seed(draw) if job.seed is None else job.seed,
        regions=tuple(guided(seeded(region)) for region in job.regions),
        reroll_regions=tuple(seeded(region) for region in job.reroll_regions),
    )
