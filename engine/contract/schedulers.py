"""Schedulers by name: which class of diffusers each is, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A scheduler by its name in the job, and as a person reads it."""

    name: str
    label: str
    class_name: str
    """diffusers' class."""
    description: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What it changes of the model's own configuration."""
    most_steps: int | None = None
    """Consistency models choose their steps from few."""
    flow: str = ""
    """diffusers' class of the same for models that predict velocities; empty where it has none."""


_KARRAS = MappingProxyType({"use_karras_sigmas": True})
_TRAILING = MappingProxyType({"timestep_spacing": "trailing"})

SCHEDULERS = {
    scheduler.name: scheduler
    for scheduler in (
        Scheduler("lms", "LMS", "LMSDiscreteScheduler", "Linear multistep, the original's choice"),
        Scheduler("ddim", "DDIM", "DDIMScheduler", "Denoising diffusion implicit models"),
        Scheduler("pndm", "PNDM", "PNDMScheduler",
                  "Pseudo numerical methods, Stable Diffusion's first"),
        Scheduler("euler", "Euler", "EulerDiscreteScheduler", "Euler's method",
                  flow="FlowMatchEulerDiscreteScheduler"),
        Scheduler("euler_a", "Euler Ancestral", "EulerAncestralDiscreteScheduler",
                  "Euler's method with fresh noise at each step"),
        Scheduler("dpmpp_2m", "DPM++ 2M", "DPMSolverMultistepScheduler",
                  "Good pictures in some twenty steps", flow="DPMSolverMultistepScheduler"),
        Scheduler("dpmpp_2m_karras", "DPM++ 2M Karras", "DPMSolverMultistepScheduler",
                  "The same, with smaller steps towards the end", _KARRAS),
        Scheduler("unipc", "UniPC", "UniPCMultistepScheduler", "Good pictures in some ten steps",
                  flow="UniPCMultistepScheduler"),
        Scheduler("heun", "Heun", "HeunDiscreteScheduler", "Twice the work at each step"),
        Scheduler("lcm", "LCM", "LCMScheduler",
                  "For models made to generate in some four to eight steps", most_steps=50),
        Scheduler("tcd", "TCD", "TCDScheduler",
                  "For models made to generate in few steps, with fresh noise at each",
                  most_steps=50),
        Scheduler("euler_trailing", "Euler, few steps", "EulerDiscreteScheduler",
                  "For models of the kinds Turbo and Lightning", _TRAILING),
        Scheduler("ddim_trailing", "DDIM, few steps", "DDIMScheduler",
                  "For models of the kind Hyper", _TRAILING),
    )
}  # fmt: skip
"""By their names in a job, in the order in which they are offered."""

FLOW_SCHEDULERS = tuple(name for name, one in SCHEDULERS.items() if one.flow)
"""Those for models that predict velocities."""
