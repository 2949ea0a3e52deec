"""Schedulers by name: which class of diffusers each is, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """A scheduler by its name in the job, and as a person reads it."""

    name: str
    label: str
    description: str
    class_name: str
    """diffusers' class."""
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What it changes of the model's own configuration."""
    most_steps: int | None = None
    """Consistency models choose their steps from few."""


_TRAILING = MappingProxyType({"timestep_spacing": "trailing"})

SCHEDULERS = {
    scheduler.name: scheduler
    for scheduler in (
        Scheduler(
            name="lms",
            label="LMS",
            description="Linear multistep, the original's choice",
            class_name="LMSDiscreteScheduler",
        ),
        Scheduler(
            name="ddim",
            label="DDIM",
            description="Denoising diffusion implicit models",
            class_name="DDIMScheduler",
        ),
        Scheduler(
            name="pndm",
            label="PNDM",
            description="Pseudo numerical methods, Stable Diffusion's first choice",
            class_name="PNDMScheduler",
        ),
        Scheduler(
            name="euler",
            label="Euler",
            description="Euler's method",
            class_name="EulerDiscreteScheduler",
        ),
        Scheduler(
            name="euler_a",
            label="Euler Ancestral",
            description="Euler's method with fresh noise at each step",
            class_name="EulerAncestralDiscreteScheduler",
        ),
        Scheduler(
            name="dpmpp_2m",
            label="DPM++ 2M",
            description="Good pictures in some twenty steps",
            class_name="DPMSolverMultistepScheduler",
        ),
        Scheduler(
            name="dpmpp_2m_karras",
            label="DPM++ 2M Karras",
            description="The same, with smaller steps towards the end",
            class_name="DPMSolverMultistepScheduler",
            settings=MappingProxyType({"use_karras_sigmas": True}),
        ),
        Scheduler(
            name="unipc",
            label="UniPC",
            description="Good pictures in some ten steps",
            class_name="UniPCMultistepScheduler",
        ),
        Scheduler(
            name="heun",
            label="Heun",
            description="Twice the work at each step",
            class_name="HeunDiscreteScheduler",
        ),
        Scheduler(
            name="lcm",
            label="LCM",
            description="For models made to generate in some four to eight steps",
            class_name="LCMScheduler",
            most_steps=50,
        ),
        Scheduler(
            name="tcd",
            label="TCD",
            description="For models made to generate in few steps, with fresh noise at each",
            class_name="TCDScheduler",
            most_steps=50,
        ),
        Scheduler(
            name="euler_trailing",
            label="Euler, few steps",
            description="For models of the kinds Turbo and Lightning",
            class_name="EulerDiscreteScheduler",
            settings=_TRAILING,
        ),
        Scheduler(
            name="ddim_trailing",
            label="DDIM, few steps",
            description="For models of the kind Hyper",
            class_name="DDIMScheduler",
            settings=_TRAILING,
        ),
    )
}
