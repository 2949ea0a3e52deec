"""Between latents and pictures: the model's autoencoder, and a cheap preview."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

from engine.runtime.references import Reference
from engine.runtime.tiled import WHOLE_CELLS, Box, tiled_rows

Picture = npt.NDArray[np.uint8]

_PROBE_CELLS = 16
_PREVIEW_PX = 1024


class Autoencoder:
    """A diffusers AutoencoderKL, in float32 whatever the denoiser runs in."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        self._preview_map: Tensor | None = None

    def _on(self, device: torch.device) -> Any:
        if self._vae.dtype != torch.float32:
            self._vae.to(torch.float32)
        return self._vae.to(device)

    def encode(
        self,
        picture: Reference,
        generator: torch.Generator,
        *,
        on: torch.device,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Return a sample of the latents of a picture, (1, C, h, w), drawn with the generator."""
        vae = self._on(on)
        stride = self._stride_px
        height, width = picture.height_px // stride, picture.width_px // stride
        if height * width <= WHOLE_CELLS:
            distribution = vae.encode(picture.whole().to(on)).latent_dist
        else:
            rows = tiled_rows(
                vae.encoder,
                lambda box: _pixels(picture, box, stride).to(on),
                picture.cells(stride),
                scale=1,
                finish=lambda moments: moments,
                checkpoint=checkpoint,
            )
            moments = torch.cat(list(rows), dim=1)[None]  # (1, 2C, h, w)
            if vae.quant_conv is not None:
                moments = vae.quant_conv(moments)
            distribution = DiagonalGaussianDistribution(moments)
        sample: Tensor = distribution.sample(generator=generator)
        return sample * float(vae.config.scaling_factor)

    def decode(
        self, latents: Tensor, *, on: torch.device, checkpoint: Callable[[], None] = lambda: None
    ) -> Iterator[Picture]:
        """Yield the picture that latents stand for, as strips of rows from top to bottom.

        A canvas of a megapixel is one strip, decoded whole; a larger one is decoded in tiles.
        `checkpoint` is called between them and may raise.

        Shapes: (1, C, h, w) to (rows, W, 3), uint8.
        """
        vae = self._on(on)
        scaled = latents.to(on) / vae.config.scaling_factor
        if latents.shape[-2] * latents.shape[-1] <= WHOLE_CELLS:
            decoded: Tensor = vae.decode(scaled, return_dict=False)[0]
            yield _picture(_to_uint8(decoded[0] / 2 + 0.5))
            return
        if vae.post_quant_conv is not None:
            scaled = vae.post_quant_conv(scaled)
        strips = tiled_rows(
            vae.decoder,
            lambda box: scaled[..., box.top : box.bottom, box.left : box.right],
            scaled,
            scale=self._stride_px,
            finish=lambda colours: _to_uint8(colours / 2 + 0.5),
            checkpoint=checkpoint,
        )
        yield from map(_picture, strips)

    @property
    def _stride_px(self) -> int:
        return int(2 ** (len(self._vae.config.block_out_channels) - 1))

    def preview(self, latents: Tensor) -> Picture:
        """Return a small picture, one pixel a latent cell, by a linear map instead of the decoder.

        A very large canvas has several cells to a pixel.

        Shapes: (1, C, h, w) to (h, w, 3), uint8.
        """
        if self._preview_map is None:
            self._preview_map = self._fit_preview(latents.device)
        cells = latents[0].float()  # (C, h, w)
        cells_per_px = -(-max(cells.shape[-2:]) // _PREVIEW_PX)
        if cells_per_px > 1:
            cells = torch.nn.functional.avg_pool2d(cells, cells_per_px, ceil_mode=True)
        cells = cells / cells.std().clamp(min=1)  # early latents are mostly scaled noise
        ones = torch.ones_like(cells[:1])
        colours = torch.einsum("chw,cr->rhw", torch.cat([cells, ones]), self._preview_map)
        return _picture(_to_uint8(colours))

    def _fit_preview(self, device: torch.device) -> Tensor:
        """Fit colours to latents by least squares on a few smooth random latents.

        Shapes: (C + 1, 3), the last row the constant.
        """
        channels = self._vae.config.latent_channels
        generator = torch.Generator().manual_seed(0)
        coarse = torch.randn((1, channels, 4, 4), generator=generator)
        cells = torch.nn.functional.interpolate(coarse, size=_PROBE_CELLS, mode="bilinear")
        cells = cells.to(device)
        scaled = cells / self._vae.config.scaling_factor
        decoded = self._on(device).decode(scaled, return_dict=False)[0] / 2 + 0.5
        colours = torch.nn.functional.adaptive_avg_pool2d(decoded, _PROBE_CELLS)  # (1, 3, h, w)
        known = cells[0].flatten(1).T  # (h·w, C)
        known = torch.cat([known, torch.ones_like(known[:, :1])], dim=1)
        solution: Tensor = torch.linalg.lstsq(known, colours[0].flatten(1).T).solution
        return solution


def _pixels(picture: Reference, box: Box, stride_px: int) -> Tensor:
    rows = slice(box.top * stride_px, box.bottom * stride_px)
    return picture.part(rows, slice(box.left * stride_px, box.right * stride_px))


def _to_uint8(colours: Tensor) -> Tensor:
    """Return colours in [0, 1], (3, H, W), as bytes of the same shape, on the CPU."""
    return (colours.clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def _picture(pixels: Tensor) -> Picture:
    """Return pixels (3, H, W) as a picture (H, W, 3)."""
    picture: Picture = pixels.permute(1, 2, 0).numpy()
    return picture
