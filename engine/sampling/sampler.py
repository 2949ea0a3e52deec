"""Mixture of Diffusers: one diffusion process a region, mixed by weight at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engine.families.schedules import Schedule
from engine.runtime.batching import Prediction, RegionWindow, in_turn
from engine.runtime.controls import Elapsed
from engine.runtime.windows import Window


class Plan(Protocol):
    """All that a job's predictions have in common, made once a job."""

    def predict(
        self, model_input: Tensor, t: Tensor, elapsed: Elapsed | None = None
    ) -> Iterator[Prediction]:
        """Yield the predictions of all windows at timestep t, which is on the CPU.

        `elapsed` says how many steps are before this one, of how many.
        """


class Anchor(Protocol):
    """What holds a part of the canvas."""

    def hold_(self, latents: Tensor, noise: Tensor, schedule: Schedule, index: int) -> None:
        """Put what is held into a canvas's latents after a step, counted from 0."""


class Addition(Protocol):
    """What has a part in a step beside the windows."""

    def add_(self, mixed: Tensor, model_input: Tensor, schedule: Schedule, index: int) -> None:
        """Add its part to the mixture of a step, counted from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAnchor:
    """A region held to a picture's latents (1, C, h, w) while t is above `release`, on the CPU.

    With a mask (h, w) it holds what the mask covers, at the level of noise that the next step
    sees; without one all of it, at the level that the schedule holds pictures at. Where cells are
    released one by one, each is held while t is above its own of `releases` (h, w).
    """

    window: Window
    latents: Tensor
    release: Tensor
    mask: Tensor | None = None
    releases: Tensor | None = None

    def hold_(self, latents: Tensor, noise: Tensor, schedule: Schedule, index: int) -> None:
        """Put the picture into a canvas's latents after a step."""
        t = schedule.timesteps[index]
        if not t > self.release:
            return
        start = self.window.take(noise)
        current = self.window.take(latents)
        if self.mask is None:
            held = schedule.held(self.latents, start, index)
        else:
            held = current.lerp(schedule.add_noise_after(self.latents, start, index), self.mask)
        if self.releases is not None:
            held = torch.where(self.releases < t.item(), held, current)
        self.window.put_(latents, held)


def normalised(windows: Sequence[RegionWindow], canvas: Tensor) -> list[Tensor]:
    """Return the weights divided by their sum over a turn's windows; uncovered cells stay 0.

    Summed in float64 on the CPU: near a corner a raw weight is tiny, and not every device has
    float64. What is returned is on the canvas's device, in its precision.

    Shapes: (h, w) each; canvas (1, C, H, W).
    """
    total = torch.zeros(canvas.shape[-2:], dtype=torch.float64)
    for one in in_turn(windows):  # in each of them as much
        one.window.add_(total, one.weights)
    total[total == 0] = 1
    return [(one.weights / one.window.take(total)).to(canvas) for one in windows]


def sample(
    noise: Tensor,
    windows: Sequence[RegionWindow],
    anchors: Sequence[Anchor],
    *,
    plan: Plan,
    schedule: Schedule,
    generator: torch.Generator,
    picture: Tensor | None = None,
    base: Addition | None = None,
    checkpoint: Callable[[], None] = lambda: None,
    join_: Callable[[Tensor], None] = lambda mixed: None,
) -> Iterator[Tensor]:
    """Yield the canvas's latents after each step, from noise to picture.

    With a `picture`, its latents, the run begins with those and as much noise as the first step
    sees. `plan` predicts `windows`, each by its place in their order; `base` adds to their mixture,
    step by step. `checkpoint` is called between denoiser calls and may raise to end the run.
    Nothing here waits for the device: what the host compares is on the CPU. Where `plan` predicts
    only some of the windows, `join_` adds the rest.

    Shapes: noise, picture and what is yielded (1, C, H, W), float32.
    Source: Álvaro Barbero Jiménez, arXiv 2302.02412, algorithm 1.
    """
    shares = normalised(windows, noise)
    latents = noise * schedule.init_noise_sigma
    if picture is not None:
        latents = schedule.add_noise(picture, noise, schedule.timesteps[0])

    for index, t in enumerate(schedule.timesteps):
        model_input = schedule.scale_model_input(latents, t)
        mixed = torch.zeros_like(latents)  # where no region generates, nothing is predicted
        for prediction in plan.predict(model_input, t, schedule.elapsed(index)):
            number = prediction.window
            windows[number].window.add_(mixed, prediction.value, shares[number])
            checkpoint()
        if base is not None:
            base.add_(mixed, model_input, schedule, index)
            checkpoint()
        join_(mixed)

        # One step on the mixture: schedulers keep state, so never one per region.
        latents = schedule.step(mixed, t, latents, generator)

        for anchor in anchors:
            anchor.hold_(latents, noise, schedule, index)

        yield latents
