"""What the sampler needs to know of a model family, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from engine.contract.job import Text2ImageRegion


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the denoiser sees of one region at one step.

    `latents` are the region's crop of the canvas, (1, C, h, w), float32; `conditioning` is what
    the same denoiser's `condition` returned for the region.
    """

    latents: Tensor
    conditioning: Any


class Denoiser(Protocol):
    """A model family's way to predict: noise, v or velocity, as its scheduler expects.

    Everything that sets families apart stays behind these two calls: text encoders, guidance
    (two passes, one, or a distilled input), size conditioning, control pictures, adapters'
    weights, packing of latents.
    """

    @property
    def stride_px(self) -> int:
        """Pixels per latent cell, in both directions."""

    @property
    def channels(self) -> int:
        """Channels of a latent cell."""

    def condition(self, regions: Sequence[Text2ImageRegion], negative_prompt: str) -> list[Any]:
        """Return what each region's prediction depends on, made once a job."""

    def predict(self, views: Sequence[View], t: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield each view's index and guided prediction (1, C, h, w), float32, in any order."""
