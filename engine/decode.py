"""Between latents and pictures: the model's autoencoder, and a cheap preview."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Picture = npt.NDArray[np.uint8]

_PROBE_CELLS = 16


class Autoencoder:
    """A diffusers AutoencoderKL, in float32 whatever the denoiser runs in."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        self._preview_map: Tensor | None = None

    def _on(self, device: torch.device) -> Any:
        if self._vae.dtype != torch.float32:
            self._vae.to(torch.float32)
        return self._vae.to(device)

    def encode(self, picture: Tensor, generator: torch.Generator, *, on: torch.device) -> Tensor:
        """Return a sample of the latents of a picture, drawn with the generator.

        Shapes: (1, 3, H, W) in [-1, 1] to (1, C, h, w).
        """
        distribution = self._on(on).encode(picture.to(on)).latent_dist
        sample: Tensor = distribution.sample(generator=generator)
        return sample * float(self._vae.config.scaling_factor)

    def decode(self, latents: Tensor, *, on: torch.device) -> Picture:
        """Return the picture that latents stand for.

        Shapes: (1, C, h, w) to (H, W, 3), uint8.
        """
        scaled = latents.to(on) / self._vae.config.scaling_factor
        decoded: Tensor = self._on(on).decode(scaled, return_dict=False)[0]
        return _to_uint8(decoded[0] / 2 + 0.5)

    def preview(self, latents: Tensor) -> Picture:
        """Return a small picture, one pixel a latent cell, by a linear map instead of the decoder.

        Shapes: (1, C, h, w) to (h, w, 3), uint8.
        """
        if self._preview_map is None:
            self._preview_map = self._fit_preview(latents.device)
        cells = latents[0].float()  # (C, h, w)
        cells = cells / cells.std().clamp(min=1)  # early latents are mostly scaled noise
        ones = torch.ones_like(cells[:1])
        colours = torch.einsum("chw,cr->rhw", torch.cat([cells, ones]), self._preview_map)
        return _to_uint8(colours)

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


def _to_uint8(colours: Tensor) -> Picture:
    """Return colours in [0, 1], (3, H, W), as bytes, (H, W, 3)."""
    pixels = (colours.clamp(0, 1) * 255).round().to(torch.uint8)
    picture: Picture = pixels.permute(1, 2, 0).cpu().numpy()
    return picture
