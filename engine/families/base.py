"""What the sampler needs to know of a model family, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from engine.contract.job import Text2ImageRegion


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a region's guided prediction: the parts of a region, times `factor`, add up to it.

    With classifier-free guidance g the prompt's prediction counts g times and that of the negative
    prompt 1 − g times; neither needs to wait for the other.

    Shapes: prediction (1, C, h, w), float32.
    """

    region: int
    prediction: Tensor
    factor: float


class Plan(Protocol):
    """All that a job's predictions have in common, made once a job."""

    def predict(self, seen: Tensor, t: Tensor) -> Iterator[Part]:
        """Yield the parts of all regions' predictions, in any order, as the calls give them.

        `t` is on the CPU, so that nobody waits for the device to learn it.

        Shapes: seen (1, C, H, W), float32.
        """


class Denoiser(Protocol):
    """A model family's way to predict: noise, v or velocity, as its scheduler expects.

    Everything that sets families apart stays behind these two calls: text encoders, guidance
    (two passes, one, or a distilled input), size conditioning, control pictures, adapters'
    weights, packing of latents; and how many passes share a call.
    """

    @property
    def stride_px(self) -> int:
        """Pixels per latent cell, in both directions."""

    @property
    def channels(self) -> int:
        """Channels of a latent cell."""

    def plan(self, regions: Sequence[Text2ImageRegion], negative_prompt: str) -> Plan:
        """Return how the regions of a job are predicted."""
