"""A cheap preview: colours by a linear map of latents, fitted to what a decoder makes of probes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate

from engine.runtime.codec import Pixels, to_image, to_uint8

_PROBE_CELLS = 16
_PROBE_NODES = 4  # random values along a side of a probe, smoothly joined
_PREVIEW_PX = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearPreview:
    """Colours from latents, cell by cell.

    Shapes: weights (C + 1, 3), the last row the constant.
    """

    weights: Tensor

    @classmethod
    def fit(
        cls, decode: Callable[[Tensor], Tensor], channels: int, device: torch.device
    ) -> LinearPreview:
        """Fit the map by least squares to the colours in [0, 1] that latents decode to.

        Shapes: decode takes (1, C, h, w) and returns (1, 3, H, W).
        """
        latents, colours = [], []
        for cells in probes(channels).to(device):
            probe = cells[None]  # (1, C, h, w)
            latents.append(with_constant(cells).flatten(1).T)  # (h·w, C + 1)
            colours.append(adaptive_avg_pool2d(decode(probe), _PROBE_CELLS)[0].flatten(1).T)
        return cls(weights=torch.linalg.lstsq(torch.cat(latents), torch.cat(colours)).solution)

    def __call__(self, latents: Tensor) -> Pixels:
        """Return one pixel a cell; a very large canvas has several cells to a pixel.

        Shapes: (1, C, h, w) to (h, w, 3), uint8.
        """
        cells = latents[0].float()  # (C, h, w)
        cells_per_px = -(-max(cells.shape[-2:]) // _PREVIEW_PX)
        if cells_per_px > 1:
            cells = avg_pool2d(cells, cells_per_px, ceil_mode=True)
        cells = cells / cells.std().clamp(min=1)  # early latents are mostly scaled noise
        colours = torch.einsum("chw,cr->rhw", with_constant(cells), self.weights)
        return to_image(to_uint8(colours))


def probes(channels: int) -> Tensor:
    """Return smooth random latents, (P, C, h, w), enough to tell all channels apart.

    One has 16 independent values a channel: enough for 4 channels, more take a probe each.
    """
    generator = torch.Generator().manual_seed(0)
    count = channels if channels > _PROBE_NODES else 1
    shape = (count, channels, _PROBE_NODES, _PROBE_NODES)
    coarse = torch.randn(shape, generator=generator)
    return interpolate(coarse, size=_PROBE_CELLS, mode="bilinear")


def with_constant(cells: Tensor) -> Tensor:
    """Append a channel of ones, (C, h, w) to (C + 1, h, w)."""
    return torch.cat([cells, torch.ones_like(cells[:1])])
