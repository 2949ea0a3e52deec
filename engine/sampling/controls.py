"""The controls of a job: its pictures as the ControlNets see them, for each text region."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.contract.controlnets import facts_of_controlnet, misfit, name_for
from engine.contract.controls import Control as ControlOfJob
from engine.contract.controls import RegionControl
from engine.contract.errors import ModelError
from engine.contract.geometry import Rectangle
from engine.contract.job import Job, Text2ImageRegion
from engine.contract.models import ModelFacts
from engine.families.base import Model
from engine.runtime.controls import Control, Hint
from engine.runtime.references import Reference
from engine.runtime.windows import window_of

Nets = Mapping[str, Any]
"""Loaded ControlNets by the names that a job gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlInputs:
    """What a job's controls name, loaded: pictures (1, 3, H, W), as bytes, and ControlNets."""

    pictures: Mapping[str, Tensor] = field(default_factory=dict)
    nets: Nets = field(default_factory=dict)


NO_CONTROLS = ControlInputs()


def with_named_controlnets(job: Job, facts: ModelFacts) -> Job:
    """Return a job whose controls all name the ControlNet that they mean."""

    def named(control: Any) -> Any:
        return replace(control, model=name_for(control.model, control.kind, facts))

    return replace(
        job,
        controls=tuple(map(named, job.controls)),
        regions=tuple(
            replace(region, controls=tuple(map(named, region.controls)))
            if isinstance(region, Text2ImageRegion)
            else region
            for region in job.regions
        ),
    )


def controls_that_hold(job: Job) -> tuple[ControlOfJob, ...]:
    """Return the controls of a job that change anything, each once."""
    found = (one for region in job.text_regions for one in region.controls_in(job))
    return tuple(dict.fromkeys(one for one in found if one.scale > 0))


def require_nets(job: Job, facts: ModelFacts, folder: Path) -> None:
    """See that the ControlNets of a job are here and go with its model, before any is loaded.

    `folder` is where relative paths start.

    Raises: EngineError of kind `model`.
    """
    for control in controls_that_hold(job):
        name = str(control.model)
        if complaint := misfit(facts_of_controlnet(name, folder), name, control.kind, facts):
            raise ModelError(*complaint)


def region_controls(
    job: Job,
    model: Model,
    inputs: ControlInputs,
    *,
    on: torch.device,
    checkpoint: Callable[[], None] = lambda: None,
) -> list[list[Control]]:
    """Return what each text region of a job is held to; what has a scale of 0 is left out.

    `on` is where pictures are encoded; `checkpoint` is called between them and may raise.
    """
    stride, hints = model.stride_px, dict[tuple[str, str, Rectangle], Hint]()
    canvas = Rectangle(row_init=0, row_end=job.canvas_height, col_init=0, col_end=job.canvas_width)

    def loaded(control: ControlOfJob, region: Text2ImageRegion) -> Control:
        is_own = isinstance(control, RegionControl) and control.area == "region"
        area = Rectangle(**dict(zip(_SIDES, region.bounds, strict=True))) if is_own else canvas
        key, net = (control.image, str(control.model), area), inputs.nets[str(control.model)]
        if key not in hints:
            checkpoint()
            picture = Reference(
                picture=inputs.pictures[control.image],
                height_px=area.height_px,
                width_px=area.width_px,
                around=job.around(area),
            )
            hints[key] = model.hint(picture, net, on=on).to(model.device.torch_device)
        return Control(
            net=net,
            kind=control.kind,
            hint=hints[key],
            area=window_of(area, job, stride),
            scale=control.scale,
            start=control.start,
            end=control.end,
        )

    return [
        [loaded(one, region) for one in region.controls_in(job) if one.scale > 0]
        for region in job.text_regions
    ]


_SIDES = ("row_init", "row_end", "col_init", "col_end")
