"""The codec of AutoencoderKLFlux2: four of its cells are one of the canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from engine.contract.geometry import NO_AXES, Axes
from engine.runtime.autoencoder import KLCodec
from engine.runtime.codec import Pixels
from engine.runtime.references import Reference
from engine.runtime.tiled import ALONE, Sharing


class PatchedCodec:
    """An autoencoder whose latents, in patches of two by two, are normalised by its statistics."""

    def __init__(self, vae: Any, *, dtype: torch.dtype = torch.float32) -> None:
        self._codec = KLCodec(vae, dtype=dtype, encoding="mode")
        shape = (1, -1, 1, 1)
        self._mean = vae.bn.running_mean.float().view(shape)
        variance = vae.bn.running_var.float().view(shape)
        self._deviation = (variance + vae.config.batch_norm_eps).sqrt()

    def encode(
        self,
        reference: Reference,
        generator: torch.Generator,
        *,
        on: torch.device,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Return the likeliest latents of a reference.

        Shapes: (1, 4·C, h/2, w/2) of the autoencoder's (1, C, h, w).
        """
        cells = self._codec.encode(reference, generator, on=on, checkpoint=checkpoint)
        patches = pixel_unshuffle(cells, 2)
        mean, deviation = (t.to(patches.device) for t in (self._mean, self._deviation))
        normalised: Tensor = (patches - mean) / deviation
        return normalised

    def decode(
        self,
        latents: Tensor,
        *,
        on: torch.device,
        checkpoint: Callable[[], None] = lambda: None,
        sharing: Sharing = ALONE,
        wrapped: Axes = NO_AXES,
    ) -> Iterator[Pixels]:
        """Yield the image of latents, as strips of rows from top to bottom.

        Shapes: (1, 4·C, h, w) to (rows, W, 3), uint8.
        """
        cells = self._cells(latents)
        return self._codec.decode(
            cells, on=on, checkpoint=checkpoint, sharing=sharing, wrapped=wrapped
        )

    def preview(self, latents: Tensor) -> Pixels:
        """Return an image of one pixel for each of the autoencoder's cells.

        Shapes: (1, 4·C, h, w) to (2·h, 2·w, 3), uint8.
        """
        return self._codec.preview(self._cells(latents))

    def _cells(self, latents: Tensor) -> Tensor:
        """Return the autoencoder's own latents, (1, C, 2·h, 2·w)."""
        mean, deviation = (t.to(latents.device) for t in (self._mean, self._deviation))
        cells: Tensor = pixel_shuffle(latents * deviation + mean, 2)
        return cells
