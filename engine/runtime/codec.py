"""What the sampler needs of a model family's way between images and latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.contract.geometry import Axes
from engine.runtime.references import Reference
from engine.runtime.tiled import Sharing

Pixels = npt.NDArray[np.uint8]
"""Rows of an image, (H, W, 3)."""


class Codec(Protocol):
    """A family's autoencoder; latents are those of the engine's canvas, as the sampler sees them.

    Scaling, shifts, statistics, packing and a time axis stay behind these three calls.
    """

    def encode(
        self,
        reference: Reference,
        generator: torch.Generator,
        *,
        on: torch.device,
        checkpoint: Callable[[], None] = ...,
    ) -> Tensor:
        """Return the latents of a reference, with what is random drawn with the generator.

        Where the reference goes all around, what is beyond its edges is seen at the opposite ones.
        `checkpoint` is called between its parts and may raise.

        Shapes: (1, C, h, w).
        """

    def decode(
        self,
        latents: Tensor,
        *,
        on: torch.device,
        checkpoint: Callable[[], None] = ...,
        sharing: Sharing = ...,
        wrapped: Axes = ...,
    ) -> Iterator[Pixels]:
        """Yield the image of latents, as strips of rows from top to bottom.

        Along axes that are `wrapped` it goes on at the opposite edge without a seam.
        `checkpoint` is called between them and may raise. Of processes that are `sharing` each
        calls this with the same latents, and the first alone yields.

        Shapes: (1, C, h, w) to (rows, W, 3), uint8.
        """

    def preview(self, latents: Tensor) -> Pixels:
        """Return a small image of latents at little cost.

        Shapes: (1, C, h, w) to at most (h, w, 3), uint8.
        """


def to_uint8(colours: Tensor) -> Tensor:
    """Return colours in [0, 1], (3, H, W), as bytes of the same shape, on the CPU."""
    return (colours.clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def to_image(pixels: Tensor) -> Pixels:
    """Return bytes (3, H, W) as (H, W, 3)."""
    picture: Pixels = pixels.permute(1, 2, 0).numpy()
    return picture
