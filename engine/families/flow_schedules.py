"""Schedules of models that predict velocities, from noise at a level of 1 to a picture at 0.

At a level σ latents are (1 − σ) · picture + σ · noise, and the network predicts noise − picture.

Source: Lipman et al., arXiv 2210.02747; Esser et al., arXiv 2403.03206, for the shift of levels.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import diffusers
import numpy as np
import torch
from torch import Tensor

from engine.contract.errors import EngineError
from engine.contract.schedulers import FLOW_SCHEDULERS, SCHEDULERS
from engine.families.levels import Level
from engine.families.schedules import Schedule

EULER = "FlowMatchEulerDiscreteScheduler"


class FlowSchedule(Schedule):
    """One run's way along a flow; pictures are held at the level that the next step sees."""

    def held(self, clean: Tensor, noise: Tensor, index: int) -> Tensor:
        """Return clean latents at the level of the next step: few steps are far apart."""
        return self.add_noise_after(clean, noise, index)

    def add_noise(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return clean latents as they would stand at timestep t, given their noise."""
        index = int((self.timesteps - t).abs().argmin())
        level: float = self._scheduler.sigmas[self._first + index].item()
        return (1 - level) * clean + level * noise

    def level(self, index: int) -> Level:
        """Return what the network sees and predicts at a step, counted from 0."""
        level: float = self._scheduler.sigmas[self._first + index].item()
        return _level(self.timesteps[index], level)

    def level_of(self, sigma: float) -> Level:
        """Return the level with so much noise for each part of a picture."""
        level = 1.0 if math.isinf(sigma) else sigma / (1 + sigma)
        return _level(torch.tensor(1000 * level, dtype=torch.float32), level)


def _level(timestep: Tensor, level: float) -> Level:
    return Level(timestep=timestep, picture=1 - level, noise=level, predicted=(-1.0, 1.0))


def flow_schedule(
    name: str | None,
    config: Mapping[str, Any],
    num_inference_steps: int,
    *,
    mu: float | None = None,
    even: bool = True,
) -> FlowSchedule:
    """Return the schedule of the scheduler of that name, or of the model's own for None.

    `mu` is the logarithm of the shift where it depends on the picture's size; `even` has the levels
    before their shift be 1, …, 2/n, 1/n, as most models expect them.

    Raises: EngineError where the model's own scheduler is none for velocities.
    """
    own = str(config.get("_class_name", EULER))
    class_name = own if name is None else SCHEDULERS[name].flow
    scheduler_class = getattr(diffusers, class_name, None)
    if scheduler_class is None or "FlowMatch" not in own:
        raise EngineError(
            f"the model's scheduler {own} is none that its kind of model can use",
            kind="model",
            advice=f"choose one of: {', '.join(FLOW_SCHEDULERS)}, or download the model again",
        )
    if class_name != own:
        shift = config.get("shift", 1.0) if mu is None else math.exp(mu)
        scheduler = scheduler_class.from_config(
            dict(config),
            use_flow_sigmas=True,
            prediction_type="flow_prediction",
            flow_shift=shift,
            use_dynamic_shifting=False,
        )
        return FlowSchedule(scheduler, num_inference_steps)
    # A single level cannot both begin at 1 and end elsewhere.
    ends = {"shift_terminal": None} if num_inference_steps == 1 else {}
    scheduler = scheduler_class.from_config(dict(config), **ends)
    settings: dict[str, Any] = {}
    taken = inspect.signature(scheduler.set_timesteps).parameters
    if even and "sigmas" in taken and not config.get("use_flow_sigmas"):
        settings["sigmas"] = np.linspace(1.0, 1 / num_inference_steps, num_inference_steps)
    if mu is not None:
        settings["mu"] = mu
    return FlowSchedule(scheduler, num_inference_steps, **settings)
