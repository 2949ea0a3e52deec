"""Region weights on the latent grid."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.contract.job import Text2ImageRegion

Weights = npt.NDArray[np.float64]

_GAUSSIAN_VARIANCE = 0.01
_QUARTIC_REACH = 0.995


def profile(mask_type: str, cells: int) -> Weights:
    """Return the weights along one axis of a region; a mask is the product of two profiles.

    Shapes: (cells,).
    Source: arXiv 2302.02412; https://en.wikipedia.org/wiki/Kernel_(statistics) for quartic.
    """
    match mask_type:
        case "constant":
            return np.ones(cells)
        case "gaussian":
            distance = (np.arange(cells) - (cells - 1) / 2) / cells
            variance = _GAUSSIAN_VARIANCE
            return np.exp(-(distance**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        case "quartic":
            reach = _QUARTIC_REACH if cells > 1 else 0
            return 15 / 16 * (1 - np.linspace(-reach, reach, cells) ** 2) ** 2
        case _:
            raise ValueError(f"mask_type: {mask_type!r} is not known")


def region_weights(region: Text2ImageRegion, stride_px: int) -> Weights:
    """Return the weight of a region at each of its latent cells.

    Shapes: (h, w) of the region.
    """
    rows = profile(region.mask_type, region.height_px // stride_px)
    columns = profile(region.mask_type, region.width_px // stride_px)
    return np.outer(rows, columns) * region.mask_weight
