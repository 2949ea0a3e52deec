"""Each family that predicts velocities: its small model, its pipeline's answer, its plain looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from tests.engine import tiny_flow_models as tiny

CPU = torch.device("cpu")


class FlowCase(ABC):
    """A family as the tests ask it."""

    name: ClassVar[str]
    stride_px = 8
    channels = 16
    guidance = 4.0
    """In the engine's convention."""
    takes_negative = True

    @abstractmethod
    def build(self) -> Any:
        """Return a small model."""

    @abstractmethod
    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes, as the engine's canvas holds it."""

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the levels of noise: evenly spaced, then shifted by a constant."""
        return [shifted(1 - i / steps, pipeline.scheduler.config.shift) for i in range(steps)] + [0]

    def encoded(self, pipeline: Any, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Return a picture's latents."""
        vae = pipeline.vae
        latents = vae.encode(picture).latent_dist.sample(generator)
        scaled: Tensor = (latents - vae.config.shift_factor) * vae.config.scaling_factor
        return scaled

    @abstractmethod
    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return what the network says to one text."""

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity by classifier-free guidance."""
        given, without = (self.velocity(pipeline, crop, level, text) for text in texts)
        return without + scale * (given - without)


def shifted(level: float, shift: float) -> float:
    """Return a level of noise after its shift."""
    return shift * level / (1 + (shift - 1) * level)


class ZImage(FlowCase):
    """Guidance counts from 0 there, and the network tells the reverse of a velocity."""

    name = "z_image"

    def build(self) -> Any:
        """Return a small model."""
        return tiny.z_image()

    def theirs(self, pipeline: Any, guidance: float, negative: str, **settings: Any) -> Tensor:
        """Return what diffusers' own pipeline makes."""
        latents: Tensor = pipeline(
            negative_prompt=negative, guidance_scale=guidance - 1, output_type="latent", **settings
        ).images
        return latents

    def velocity(self, pipeline: Any, crop: Tensor, level: float, text: str) -> Tensor:
        """Return the velocity."""
        (embedded,), _ = pipeline.encode_prompt(text, CPU, do_classifier_free_guidance=False)
        elapsed = (1000 - 1000 * torch.tensor([level])) / 1000
        (found,) = pipeline.transformer([crop[0][:, None]], elapsed, [embedded], return_dict=False)[
            0
        ]
        return -found[:, 0][None]


CASES: tuple[FlowCase, ...] = (ZImage(),)
