"""The base pass: at the first steps the whole canvas is looked at too, with a prompt of its own."""

from __future__ import annotations

import math

from .cuts import RING_CONTEXT_PX
from .job import Job
from .parse import Findings


def base_share(job: Job, index: int, steps: int) -> float:
    """Return how much of a step, counted from 0, is the base pass's.

    From the job's `base_strength` at the first step in a line to nothing at its `base_end`.
    """
    if job.base_end == 0:
        return 0.0
    return job.base_strength * max(0.0, 1 - index / steps / job.base_end)


def has_base(job: Job) -> bool:
    """Return whether a job has a base pass at any step."""
    return base_share(job, 0, job.num_inference_steps) > 0


def base_size(job: Job, grid_px: int, most_px: int | None = None) -> tuple[int, int]:
    """Return the height and the width in pixels at which the base pass sees the canvas.

    The canvas's own, unless it has more pixels than a square of the job's `max_region_px`, or a
    side longer than `most_px`: then as many pixels, in the canvas's shape. Of a canvas that wraps
    the network sees more, on both sides.
    """
    height, width = job.canvas_height, job.canvas_width
    if most_px is not None and any(job.wrapped):
        most_px -= 2 * RING_CONTEXT_PX
    largest = job.max_region_px or math.inf
    scale = min(
        1.0, largest / math.sqrt(height * width), (most_px or math.inf) / max(height, width)
    )
    if scale == 1.0:
        return height, width
    sides = (max(round(side * scale / grid_px), 1) * grid_px for side in (height, width))
    scaled_height, scaled_width = (min(side, most_px or side) for side in sides)
    return min(scaled_height, height), min(scaled_width, width)


def check_base(job: Job, findings: Findings) -> None:
    """Note what of the base pass is missing, or has no effect."""
    prompt = job.base_prompt.strip()
    if has_base(job):
        if not prompt and job.base_guidance_scale != 0:  # which asks for it
            message = "there is none: the base pass composes what it likes"
            remedy = "write what the whole picture shows, or set base_strength to 0"
            findings.warn("base_prompt", job.base_prompt, message, remedy)
    elif job.base_strength > 0:
        message = "0 leaves the base pass out, whatever its base_strength"
        findings.warn("base_end", 0, message, "try 0.5, or set base_strength to 0")
    elif prompt:
        message = "has no effect: without base_strength there is no base pass"
        remedy = "set base_strength to 0.3, or leave the prompt out"
        findings.warn("base_prompt", job.base_prompt, message, remedy)
