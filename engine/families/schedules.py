"""Schedules of models that predict noise or v: diffusers' schedulers, by name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import diffusers
import torch
from torch import Tensor

from engine.contract.errors import EngineError
from engine.contract.job import MAX_STEPS
from engine.contract.schedulers import SCHEDULERS
from engine.families.levels import Level
from engine.runtime.controls import Elapsed

_LMS_ORDER = 4
_LEAST_KEPT = 2**-24  # of a picture, where training began with noise alone


def build_scheduler(name: str | None, config: Mapping[str, Any]) -> Any:
    """Return diffusers' scheduler of that name, or the model's own for None.

    Raises: EngineError where the model's configuration names no scheduler of diffusers.
    """
    if name is None:
        class_name, settings = str(config.get("_class_name", "PNDMScheduler")), {}
    else:
        chosen = SCHEDULERS[name]
        class_name, settings = chosen.class_name, dict(chosen.settings)
    scheduler_class = getattr(diffusers, class_name, None)
    if scheduler_class is None:
        raise EngineError(
            f"the model's scheduler {class_name} is not known to diffusers {diffusers.__version__}",
            kind="model",
            advice=f"choose one of: {', '.join(SCHEDULERS)}",
        )
    return scheduler_class.from_config(dict(config), **settings)


class Schedule:
    """One run's way from noise to picture; steps a scheduler that nobody else steps.

    Timesteps and levels of noise stay on the CPU, wherever the latents are: the schedulers decide
    by them, and would wait for the device to read them.
    """

    def __init__(self, scheduler: Any, num_inference_steps: int, **settings: Any) -> None:
        """Set a scheduler's timesteps; `settings` are what it takes for that beside their count."""
        self._scheduler = scheduler
        self._steps = num_inference_steps
        scheduler.set_timesteps(num_inference_steps, device="cpu", **settings)
        self.timesteps: Tensor = scheduler.timesteps
        self._first = 0
        """How many of the scheduler's timesteps are left out, since a run begins after them."""
        self.init_noise_sigma: Tensor | float = getattr(scheduler, "init_noise_sigma", 1.0)
        self._takes_generator = "generator" in inspect.signature(scheduler.step).parameters

    @property
    def most_steps(self) -> int:
        """The most steps that the scheduler can be asked for."""
        return int(self._scheduler.config.get("original_inference_steps") or MAX_STEPS)

    def steps_within(self, share: float) -> int:
        """Return how many of the last steps see no more than a share of the training's noise."""
        starts = self._step_starts()
        most = share * int(self._scheduler.config.num_train_timesteps)
        return int((self._scheduler.timesteps[starts] <= most).sum())

    def begin_with_last(self, steps: int) -> None:
        """Leave out all but so many of the last steps."""
        starts = self._step_starts()
        first = max(len(starts) - steps, 0)
        if first and self._is_pseudo_numerical:
            # Its second step is in two calls, wherever it begins.
            times = self._scheduler.timesteps[starts[first:]]
            self.timesteps = torch.cat([times[:2], times[1:]])
            return
        self._first = starts[first]
        self.timesteps = self._scheduler.timesteps[self._first :]

    @property
    def _is_pseudo_numerical(self) -> bool:
        return isinstance(self._scheduler, diffusers.PNDMScheduler)

    def _step_starts(self) -> list[int]:
        """Return at which of the scheduler's timesteps each step begins."""
        count = len(self._scheduler.timesteps)
        if self._is_pseudo_numerical:
            if not self._scheduler.config.skip_prk_steps:
                # Runge and Kutta's steps can begin at the first timestep alone.
                self._scheduler.register_to_config(skip_prk_steps=True)
                self._scheduler.set_timesteps(self._steps, device="cpu")
                count = len(self._scheduler.timesteps)
            return [0, *range(2, count)] if count > 2 else list(range(count))
        return list(range(0, count, int(getattr(self._scheduler, "order", 1))))

    def elapsed(self, index: int) -> Elapsed:
        """Return how far a job is at a step, counted from 0."""
        return Elapsed(step=index, steps=len(self.timesteps))

    def scale_model_input(self, latents: Tensor, t: Tensor) -> Tensor:
        """Return the latents as the denoiser wants to see them at timestep t."""
        if not hasattr(self._scheduler, "scale_model_input"):
            return latents
        scaled: Tensor = self._scheduler.scale_model_input(latents, t)
        return scaled

    def step(
        self, prediction: Tensor, t: Tensor, latents: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the latents one step further; noise, where the scheduler adds any, is drawn."""
        extra: dict[str, Any] = {"generator": generator} if self._takes_generator else {}
        if isinstance(self._scheduler, diffusers.LMSDiscreteScheduler):
            # It counts the steps that it looks back at from the first timestep.
            extra["order"] = min(len(self._scheduler.derivatives) + 1, _LMS_ORDER)
        moved: Tensor = self._scheduler.step(prediction, t, latents, return_dict=False, **extra)[0]
        return moved

    def held(self, clean: Tensor, noise: Tensor, index: int) -> Tensor:
        """Return clean latents as a picture is held at after a step, counted from 0.

        At the level of the step before, as the original does.
        """
        return self.add_noise(clean, noise, self.timesteps[index])

    def add_noise_after(self, clean: Tensor, noise: Tensor, index: int) -> Tensor:
        """Return clean latents as they would stand after a step, counted from 0."""
        if index + 1 == len(self.timesteps):
            return clean
        return self.add_noise(clean, noise, self.timesteps[index + 1])

    def add_noise(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return clean latents as they would stand at timestep t, given their noise."""
        # What the scheduler makes of 1 and 0 are its factors, found without touching the device.
        one, zero, at = torch.ones(1), torch.zeros(1), t.reshape(1)
        kept: float = self._scheduler.add_noise(one, zero, at).item()
        added: float = self._scheduler.add_noise(zero, one, at).item()
        return kept * clean + added * noise

    def level(self, index: int) -> Level:
        """Return what the network sees and predicts at a step, counted from 0."""
        at = self.timesteps[index]
        one, zero = torch.ones(1), torch.zeros(1)
        kept: float = self._scheduler.add_noise(one, zero, at.reshape(1)).item()
        added: float = self._scheduler.add_noise(zero, one, at.reshape(1)).item()
        # However the scheduler keeps latents, the network sees them with a variance of 1.
        return self._level(at, kept, added)

    def level_of(self, sigma: float) -> Level:
        """Return the level with so much noise for each part of a picture.

        Its timestep is between those of the training, or the nearest of them.
        """
        kept = self._scheduler.alphas_cumprod.double().clamp(min=_LEAST_KEPT)
        logarithms = ((1 - kept) / kept).log() / 2
        wanted = math.log(sigma) if sigma > 0 else -math.inf
        above = min(max(int(torch.searchsorted(logarithms, wanted)), 1), len(logarithms) - 1)
        first, last = logarithms[above - 1].item(), logarithms[above].item()
        share = min(max((wanted - first) / (last - first), 0.0), 1.0)
        timestep = torch.tensor(above - 1 + share, dtype=torch.float32)
        return self._level(timestep, *((0.0, 1.0) if math.isinf(sigma) else (1.0, sigma)))

    def _level(self, timestep: Tensor, kept: float, added: float) -> Level:
        length = math.hypot(kept, added)
        picture, noise = kept / length, added / length
        predicted = {"epsilon": (0.0, 1.0), "v_prediction": (-noise, picture), "sample": (1.0, 0.0)}
        return Level(
            timestep=timestep,
            picture=picture,
            noise=noise,
            predicted=predicted[self._scheduler.config.prediction_type],
        )

    def release_timestep(self, strength: float) -> Tensor:
        """Return the timestep down to which an image region of that strength is held in place."""
        steps, offset = self._steps, int(self._scheduler.config.get("steps_offset", 0))
        noise_steps = min(int(steps * (1 - strength)) + offset, steps)
        index = min(max(steps - noise_steps + offset, 0), steps - 1)
        # A second-order scheduler lists every timestep but the first twice.
        found: Tensor = self._scheduler.timesteps[index * int(getattr(self._scheduler, "order", 1))]
        return found
