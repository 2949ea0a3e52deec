"""Mixture of Diffusers: one diffusion process a region, mixed by weight at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.families.base import Plan
from engine.families.schedules import Schedule
from engine.runtime.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiffuser:
    """A region that the denoiser paints; its weights (h, w) are on the CPU."""

    window: Window
    weights: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAnchor:
    """A region held to a picture's latents (1, C, h, w) while t is above `release`, on the CPU."""

    window: Window
    latents: Tensor
    release: Tensor


def normalised(
    weights: Sequence[Tensor], windows: Sequence[Window], canvas: Tensor
) -> list[Tensor]:
    """Return the weights divided by their sum over the regions; uncovered cells stay 0.

    Summed in float64 on the CPU: near a corner a raw weight is tiny, and not every device has
    float64. What is returned is on the canvas's device, in its precision.

    Shapes: (h, w) each; canvas (1, C, H, W).
    """
    total = torch.zeros(canvas.shape[-2:], dtype=torch.float64)
    for weight, window in zip(weights, windows, strict=True):
        window.view(total).add_(weight)
    total[total == 0] = 1
    pairs = zip(weights, windows, strict=True)
    return [(weight / window.view(total)).to(canvas) for weight, window in pairs]


def sample(
    noise: Tensor,
    diffusers: Sequence[TextDiffuser],
    anchors: Sequence[ImageAnchor],
    *,
    plan: Plan,
    schedule: Schedule,
    generator: torch.Generator,
    checkpoint: Callable[[], None] = lambda: None,
) -> Iterator[Tensor]:
    """Yield the canvas's latents after each step, from noise to picture.

    `plan` predicts the regions that `diffusers` place, in the same order. `checkpoint` is called
    between denoiser calls and may raise to end the run. Nothing here waits for the device: what
    the host compares is on the CPU.

    Shapes: noise and what is yielded (1, C, H, W), float32.
    Source: Álvaro Barbero Jiménez, arXiv 2302.02412, algorithm 1.
    """
    windows = [diffuser.window for diffuser in diffusers]
    shares = normalised([diffuser.weights for diffuser in diffusers], windows, noise)
    latents = noise * schedule.init_noise_sigma

    for t in schedule.timesteps:
        seen = schedule.scale_model_input(latents, t)
        mixed = torch.zeros_like(latents)  # where no region paints, nothing is predicted
        for part in plan.predict(seen, t):
            place, share = windows[part.region].view(mixed), shares[part.region]
            place.addcmul_(share, part.prediction, value=part.factor)
            checkpoint()

        # One step on the mixture: schedulers keep state, so never one per region.
        latents = schedule.step(mixed, t, latents, generator)

        for anchor in anchors:
            if t > anchor.release:
                start = anchor.window.view(noise)
                anchor.window.view(latents).copy_(schedule.add_noise(anchor.latents, start, t))

        yield latents
