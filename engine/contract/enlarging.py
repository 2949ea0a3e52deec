"""A picture's job, made again larger: its picture to start from, its regions where they lay."""

from __future__ import annotations

from dataclasses import replace

from .cuts import SHIFTING
from .earlier import STRENGTH, SecondPass
from .errors import EngineError
from .job import MAX_STEPS, Job
from .loras import unidentified
from .models import ModelFacts
from .resized import resized

_LEAST_STEPS = 4  # fewer leave grain of their noise


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

    Raises: EngineError of kind `job` where the strength is none.
    """
    if not 0 <= strength <= 1:
        message = f"strength: {strength} says nothing of how much stays"
        raise EngineError(message, kind="job", advice="give a number from 0 to 1")
    job = facts.in_windows(unidentified(job), SHIFTING)
    larger = resized(job, size_px, facts.grid_px)
    return replace(
        larger,
        num_inference_steps=steps or max(round(whole_steps(job) * (1 - strength)), _LEAST_STEPS),
        seed=job.seed if seed is None else seed,
        regions=tuple(replace(region, noise_eps=0.0) for region in larger.regions),
        reroll_regions=(),
        kept=None,
        second_pass=SecondPass(picture=picture, strength=strength),
        base_prompt="",
        base_strength=0.0,
        max_region_px=facts.largest_px,
        decode_steps=False,
        noise_map=None,
    )


def whole_steps(job: Job) -> int:
    """Return the steps from noise alone that are as far apart as a job's."""
    left = 1 - job.second_pass.strength if job.second_pass is not None else 1.0
    return min(round(job.num_inference_steps / left), MAX_STEPS) if left else MAX_STEPS
