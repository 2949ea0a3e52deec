"""A second pass: the canvas starts from an earlier picture, enlarged, and as much noise as it gets.

The picture is enlarged as it is seen, in sRGB's numbers: in those of light, what a sharp filter
overshoots beside dark lines would be bright halos. (SDEdit, Meng et al., arXiv 2108.01073.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine.contract.cuts import TURNS
from engine.contract.job import Job
from engine.families.base import Model
from engine.families.schedules import Schedule
from engine.runtime.batching import RegionWindow, in_turn
from engine.runtime.references import EnlargedReference

_LEAST_SHARE = 0.01  # of a prediction, at its most


def schedule_of(job: Job, model: Model) -> Schedule:
    """Return a job's way from noise to picture, or of a second pass its end, in all of the steps.

    It begins where the training had the share of noise that the job's strength leaves, so that
    it means the same with any spacing of steps and any shift of levels. Where a scheduler has
    fewer steps there than are asked for, all that it has.
    """
    if job.second_pass is None:
        return model.make_schedule(job)
    share, steps = 1 - job.second_pass.strength, job.num_inference_steps

    def made(whole: int) -> Schedule:
        return model.make_schedule(replace(job, num_inference_steps=whole))

    first, last = steps, made(2).most_steps
    while first < last:
        middle = (first + last) // 2
        if made(middle).steps_within(share) < steps:
            first = middle + 1
        else:
            last = middle
    schedule = made(last)
    schedule.begin_with_last(min(max(schedule.steps_within(share), 1), steps))
    return schedule


def that_count(windows: Sequence[RegionWindow], shape: tuple[int, int]) -> list[RegionWindow]:
    """Return the windows that have a say: a region behind others would be seen for next to nothing.

    All of them where any of the canvas's cells would be left without one. Units: cells.
    """
    total = torch.zeros(shape, dtype=torch.float64)
    for one in in_turn(windows):
        one.window.add_(total, one.weights)
    found = [
        one
        for one in windows
        if (one.weights >= _LEAST_SHARE * one.window.take(total)).logical_and(one.weights > 0).any()
    ]
    for turn in range(TURNS):
        left = torch.zeros_like(total)
        for one in in_turn(found, turn):
            one.window.add_(left, one.weights)
        if bool(((left > 0) != (total > 0)).any()):
            return list(windows)
    return found


def enlarged_latents(
    picture: Tensor,
    job: Job,
    model: Model,
    generator: torch.Generator,
    *,
    on: torch.device,
    checkpoint: Callable[[], None],
) -> Tensor:
    """Return the latents of a picture that is enlarged to a job's canvas, part by part.

    Shapes: (1, 3, H, W), bytes, to (1, C, h, w).
    """
    reference = EnlargedReference(
        picture=picture,
        height_px=job.canvas_height,
        width_px=job.canvas_width,
        around=job.wrapped,
    )
    return model.codec.encode(reference, generator, on=on, checkpoint=checkpoint)
