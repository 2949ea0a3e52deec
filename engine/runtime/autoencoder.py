"""The codec of all families with a diffusers AutoencoderKL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor, nn

from engine.contract.geometry import NO_AXES, Axes
from engine.runtime.codec import Pixels, to_image, to_uint8
from engine.runtime.half_precision import HalfPrecision
from engine.runtime.preview import LinearPreview
from engine.runtime.references import Reference
from engine.runtime.tiled import ALONE, WHOLE_CELLS, Sharing, tiled_rows
from engine.runtime.windows import Window


class KLCodec:
    """An AutoencoderKL, in float32 unless it keeps pictures in the precision of the denoiser.

    A canvas of a megapixel is encoded and decoded whole; a larger one in tiles, and so is one that
    wraps, whose tiles see what lies beyond its edges.
    """

    def __init__(
        self,
        vae: Any,
        *,
        dtype: torch.dtype = torch.float32,
        encoding: Literal["sample", "mode"] = "sample",
        is_shifted: bool = True,
    ) -> None:
        """`is_shifted` counts the shift that a model's latents have, which some networks do not.

        `dtype` is the denoiser's.
        """
        self._vae = vae
        self._precision = HalfPrecision(vae, dtype)
        self._encoding = encoding
        self._stride_px = int(2 ** (len(vae.config.block_out_channels) - 1))
        self._scale, self._shift = _scale_and_shift(vae.config)
        if not is_shifted:
            self._shift = torch.zeros_like(self._shift)
        self._preview: LinearPreview | None = None

    def _on(self, device: torch.device) -> Any:
        if self._vae.dtype != torch.float32:
            self._vae.to(torch.float32)
        self._scale, self._shift = self._scale.to(device), self._shift.to(device)
        return self._vae.to(device)

    def encode(
        self,
        reference: Reference,
        generator: torch.Generator,
        *,
        on: torch.device,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Return the latents of a reference: a sample of them, or the likeliest.

        Shapes: (1, C, h, w).
        """
        moments = self._moments(self._on(on), reference, on, checkpoint)
        distribution = DiagonalGaussianDistribution(moments)
        encoded: Tensor = (
            distribution.sample(generator) if self._encoding == "sample" else distribution.mode()
        )
        return (encoded - self._shift) * self._scale

    def _moments(
        self, vae: Any, reference: Reference, on: torch.device, checkpoint: Callable[[], None]
    ) -> Tensor:
        """Return the moments of a reference's latents, (1, 2C, h, w)."""
        stride = self._stride_px
        height, width = reference.height_px // stride, reference.width_px // stride
        if height * width <= WHOLE_CELLS and not any(reference.around):
            with self._precision.encoding(on):
                parameters: Tensor = vae.encode(reference.whole().to(on)).latent_dist.parameters
            return parameters.float()
        rows = tiled_rows(
            _Within(vae.encoder, lambda: self._precision.encoding(on)),
            lambda window: _pixels(reference, window, stride).to(on),
            reference.cells(stride),
            scale=1,
            finish=lambda moments: moments,
            checkpoint=checkpoint,
            wrapped=reference.around,
        )
        moments = torch.cat(list(rows), dim=1)[None]
        return moments if vae.quant_conv is None else vae.quant_conv(moments)

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

        Shapes: (1, C, h, w) to (rows, W, 3), uint8.
        """
        vae = self._on(on)
        if latents.shape[-2] * latents.shape[-1] <= WHOLE_CELLS and not any(wrapped):
            if sharing.is_first:
                with self._precision.decoding(on):
                    colours = self._colours(latents.to(on))[0]
                yield to_image(to_uint8(colours))
            return
        encoded = self._unscaled(latents.to(on))
        if vae.post_quant_conv is not None:
            encoded = vae.post_quant_conv(encoded)
        decoder = _Within(vae.decoder, lambda: self._precision.decoding(on))
        strips = tiled_rows(
            decoder,
            lambda window: window.take(encoded),
            encoded,
            scale=self._stride_px,
            finish=lambda colours: to_uint8(colours / 2 + 0.5),
            checkpoint=checkpoint,
            sharing=sharing,
            wrapped=wrapped,
        )
        yield from map(to_image, strips)

    def preview(self, latents: Tensor) -> Pixels:
        """Return an image of one pixel a cell, by a linear map instead of the decoder.

        Shapes: (1, C, h, w) to (h, w, 3), uint8.
        """
        if self._preview is None:
            self._on(latents.device)
            channels = self._vae.config.latent_channels
            self._preview = LinearPreview.fit(self._colours, channels, latents.device)
        return self._preview(latents)

    def _unscaled(self, latents: Tensor) -> Tensor:
        return latents / self._scale + self._shift

    def _colours(self, latents: Tensor) -> Tensor:
        """Return the decoder's colours, in [0, 1] but for overshoots, (1, 3, H, W)."""
        decoded: Tensor = self._vae.decode(self._unscaled(latents), return_dict=False)[0]
        return decoded / 2 + 0.5


class _Within(nn.Module):
    """A network whose calls are made in a context: a generator must not leave one open."""

    def __init__(
        self, network: nn.Module, context: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        super().__init__()
        self.network, self._context = network, context

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's answer in float32."""
        with self._context():
            seen: Tensor = self.network(x)
        return seen.float()


def _scale_and_shift(config: Any) -> tuple[Tensor, Tensor]:
    """Return what a canvas's latents are of those of the network: (z − shift) · scale.

    Shapes: both (1, C, 1, 1) where a model has statistics of each channel, else (1, 1, 1, 1).
    """
    scale = torch.tensor(float(config.get("scaling_factor") or 1.0)).view(1, 1, 1, 1)
    mean, std = config.get("latents_mean"), config.get("latents_std")
    if mean is None or std is None:
        return scale, torch.tensor(float(config.get("shift_factor") or 0.0)).view(1, 1, 1, 1)
    return scale / torch.tensor(std).view(1, -1, 1, 1), torch.tensor(mean).view(1, -1, 1, 1)


def _pixels(reference: Reference, window: Window, stride_px: int) -> Tensor:
    rows = slice(window.top * stride_px, window.bottom * stride_px)
    return reference.repeated(rows, slice(window.left * stride_px, window.right * stride_px))
