"""Schedulers by name: which class of diffusers each is, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    settings: Mapping[str, Any]
    """What it changes of the model's own configuration."""
    most_steps: int | None
    """Consistency models choose their steps from few."""


_TRAILING = {"timestep_spacing": "trailing"}
_FEW = 50

SCHEDULERS = {
    name: Scheduler(
        name=name,
        label=label,
        description=description,
        class_name=f"{class_name}Scheduler",
        settings=MappingProxyType(settings),
        most_steps=most_steps,
    )
    for name, label, class_name, settings, most_steps, description in (
        ("lms", "LMS", "LMSDiscrete", {}, None, "Linear multistep, the original's choice"),
        ("ddim", "DDIM", "DDIM", {}, None, "Denoising diffusion implicit models"),
        ("pndm", "PNDM", "PNDM", {}, None, "Pseudo numerical methods, Stable Diffusion's first"),
        ("euler", "Euler", "EulerDiscrete", {}, None, "Euler's method"),
        ("euler_a", "Euler Ancestral", "EulerAncestralDiscrete", {}, None,
         "Euler's method with fresh noise at each step"),
        ("dpmpp_2m", "DPM++ 2M", "DPMSolverMultistep", {}, None,
         "Good pictures in some twenty steps"),
        ("dpmpp_2m_karras", "DPM++ 2M Karras", "DPMSolverMultistep", {"use_karras_sigmas": True},
         None, "The same, with smaller steps towards the end"),
        ("unipc", "UniPC", "UniPCMultistep", {}, None, "Good pictures in some ten steps"),
        ("heun", "Heun", "HeunDiscrete", {}, None, "Twice the work at each step"),
        ("lcm", "LCM", "LCM", {}, _FEW, "For models made to generate in some four to eight steps"),
        ("tcd", "TCD", "TCD", {}, _FEW,
         "For models made to generate in few steps, with fresh noise at each"),
        ("euler_trailing", "Euler, few steps", "EulerDiscrete", _TRAILING, None,
         "For models of the kinds Turbo and Lightning"),
        ("ddim_trailing", "DDIM, few steps", "DDIM", _TRAILING, None,
         "For models of the kind Hyper"),
    )
}  # fmt: skip
"""By their names in a job, in the order in which they are offered."""
