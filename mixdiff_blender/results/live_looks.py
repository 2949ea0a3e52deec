"""What Live makes of a scene's job: a quick look first, then the picture itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..backend import measured
from ..contract import Job, ModelFacts, smaller

QUICK_STEPS = 6
QUICK_S = 0.6
"""What a quick look is to take: its size follows from it, where the model has been measured."""
MOST_S = 20.0
"""What takes longer is made when somebody asks for it, and not by itself."""
_SMALLEST = 0.25  # of the canvas's sides
_LARGEST = 0.5  # as nobody knows how long more would take
_OF_NATIVE = 1.0  # of the side that a model was made for; it shows little that is smaller
_WORTH_IT = 0.8  # of the canvas's sides: above, the canvas itself takes hardly longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A job for a moment, and what it will take as far as earlier ones tell."""

    job: Job
    is_full: bool
    """Whether it is the scene's own job: the picture that Generate makes."""
    seconds: float | None = None


def full_look(job: Job, facts: ModelFacts) -> Look:
    """Return the picture itself."""
    job = replace(job, decode_steps=False)
    return Look(job=job, is_full=True, seconds=_seconds(job, facts))


def quick_look(job: Job, facts: ModelFacts) -> Look:
    """Return what is made first: few steps on as large a canvas as there is time for.

    The picture itself where that is made as quickly.

    Raises: EngineError of kind `job`, as `smaller`.
    """
    full = full_look(job, facts)
    if full.seconds is not None and full.seconds <= QUICK_S:
        return full
    few = replace(full.job, num_inference_steps=min(job.num_inference_steps, QUICK_STEPS))
    side = math.sqrt(job.canvas_height * job.canvas_width)
    least = min(max(_SMALLEST, _OF_NATIVE * facts.native_px / side), 1.0)
    seconds = _seconds(few, facts)
    scale = _LARGEST if seconds is None else math.sqrt(QUICK_S / max(seconds, 1e-6))
    scale = min(max(scale, least), 1.0)
    small = few if scale > _WORTH_IT else smaller(few, scale, facts.grid_px)
    return Look(job=small, is_full=small == full.job, seconds=_seconds(small, facts))


def _seconds(job: Job, facts: ModelFacts) -> float | None:
    estimate = measured.estimate(job, facts.family.stride_px, is_loaded=True)
    return None if estimate is None else estimate.seconds
