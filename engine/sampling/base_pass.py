"""The base pass: the whole canvas with a prompt of its own has a part in the first steps.

Windows of regions see each other only where they overlap. What the network says to all of the
canvas at once, mixed in while the picture's layout is decided, has them fit together.

A canvas of more pixels than the model generates well is seen smaller. Its low frequencies have as
much noise and a stronger picture than the canvas, so the network is asked at the timestep that has
that share of noise (as schedules are shifted by resolution, Esser et al., arXiv 2403.03206, and in
upsample guidance, Hwang et al., arXiv 2404.01709); its answer, in the terms of the canvas's own
timestep, takes the place of the low frequencies alone. The others stay the regions'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.contract.base_pass import base_share, base_size, has_base
from engine.contract.cuts import OVERLAPPING
from engine.contract.families import Family
from engine.contract.job import Job, Text2ImageRegion
from engine.families.base import Model
from engine.families.schedules import Schedule
from engine.runtime.batching import RegionWindow
from engine.runtime.controls import Control
from engine.runtime.following import Followed
from engine.sampling.ranks import Ranks, SharedPlan
from engine.sampling.region_windows import region_windows
from engine.sampling.sampler import Plan
from engine.sampling.scaling import Scaling


def base_job(job: Job, family: Family) -> Job | None:
    """Return a job whose only region is the whole canvas as the base pass sees it, if any does."""
    if not has_base(job):
        return None
    height, width = base_size(job, family.grid_px, family.most_region_px)
    whole = Text2ImageRegion(
        row_init=0,
        row_end=height,
        col_init=0,
        col_end=width,
        prompt=job.base_prompt,
        guidance_scale=job.base_guidance_scale,
        mask_type="constant",
    )
    return replace(
        job,
        canvas_height=height,
        canvas_width=width,
        regions=(whole,),
        reroll_regions=(),
        kept=None,
        noise_map=None,
        max_region_px=None,
        windows=OVERLAPPING,
        base_strength=0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePass:
    """What the base pass adds to a step's mixture.

    ε = Σ share_r · ((1 − β) ε_r + β ε_base), β falling from step to step: regions' shares sum to 1
    wherever any generates; elsewhere nothing is predicted, now as before.
    """

    job: Job
    plan: Plan | None
    """What predicts the small canvas; None on ranks that leave it to another."""
    covered: Tensor
    """(H, W): 1 where a region generates, 0 elsewhere."""
    scaling: Scaling | None
    """None where the canvas is seen as it is."""
    whole: RegionWindow
    """The canvas as the network sees it, which is more of one that wraps."""

    def add_(self, mixed: Tensor, model_input: Tensor, schedule: Schedule, index: int) -> None:
        """Add its part to the mixture of a step, counted from 0.

        What ranks have of the mixture may be added up before or after.

        Shapes: both (1, C, H, W).
        """
        share = base_share(self.job, index, len(schedule.timesteps))
        if share == 0:
            return
        change = -mixed
        if self.plan is not None:
            change.add_(self._predicted(self.plan, model_input, schedule, index) * self.covered)
        if self.scaling is not None:
            change = self.scaling.up(self.scaling.down(change))
        mixed.add_(change, alpha=share)

    def _predicted(self, plan: Plan, model_input: Tensor, schedule: Schedule, index: int) -> Tensor:
        """Return what the network predicts for the whole canvas, or for its low frequencies."""
        if self.scaling is None:
            (found,) = plan.predict(model_input, schedule.timesteps[index], schedule.elapsed(index))
            return self._folded(found.value, model_input)
        canvas = schedule.level(index)
        small = schedule.level_of(canvas.sigma / self.scaling.factor)
        seen = self.scaling.down(model_input) * (small.noise / canvas.noise)
        (found,) = plan.predict(seen, small.timestep, schedule.elapsed(index))
        value = self._folded(found.value, seen)
        return self.scaling.up(small.rescaled(seen, value, canvas, self.scaling.factor))

    def _folded(self, value: Tensor, canvas: Tensor) -> Tensor:
        """Return what was predicted of the whole, once for each cell of the canvas it saw."""
        if not any(self.job.wrapped):
            return value
        folded = torch.zeros_like(canvas)
        self.whole.window.add_(folded, value, self.whole.weights.to(canvas))
        return folded


def plans_of(
    job: Job,
    model: Model,
    windows: Sequence[RegionWindow],
    canvas: Tensor,
    ranks: Ranks,
    controls: Callable[[Job], Sequence[Sequence[Control]]] = lambda job: (),
    references: Callable[[Job], Sequence[Sequence[Followed]]] = lambda job: (),
) -> tuple[Plan, BasePass | None]:
    """Return what a rank predicts of a job's windows, and the base pass where the job has one.

    `controls` and `references` give what the text regions of a job are held to, and follow.

    Shapes: canvas (1, C, H, W).
    """
    seen_job = base_job(job, model.family)
    stride = model.stride_px
    patch = model.family.grid_px // stride
    whole = [] if seen_job is None else region_windows(seen_job, stride, {}, patch=patch)
    share = ranks.share([*windows, *whole])
    own = [index for index in share if index < len(windows)]

    def planned(job: Job, windows: Sequence[RegionWindow]) -> Plan:
        return model.denoiser.plan(job, windows, controls(job), references(job))

    plan = SharedPlan(planned(job, [windows[index] for index in own]), own)
    if seen_job is None:
        return plan, None
    covered = torch.zeros(canvas.shape[-2:], dtype=torch.float64)
    for one in windows:
        one.window.add_(covered, one.weights)
    size = (seen_job.canvas_height // stride, seen_job.canvas_width // stride)
    is_own, is_full_size = len(windows) in share, size == tuple(canvas.shape[-2:])
    return plan, BasePass(
        job=job,
        plan=planned(seen_job, whole) if is_own else None,
        covered=(covered > 0).to(canvas),
        whole=whole[0],
        scaling=None if is_full_size else Scaling.between(canvas, *size, job.wrapped),
    )
