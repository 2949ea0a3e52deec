"""How a region's weight fades from its middle to its border, for the eye.

The engine's own masks need what Blender's Python lacks; a test holds the two together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GAUSSIAN_VARIANCE = 0.01
_QUARTIC_REACH = 0.995


def profile(mask_type: str, places: Floats) -> Floats:
    """Return the weights along one axis of a region, 1 at the largest.

    Shapes: (N,), places from -0.5 to 0.5 of the region's side → (N,).
    Source: arXiv 2302.02412.
    """
    match mask_type:
        case "gaussian":
            return np.exp(-(places**2) / (2 * _GAUSSIAN_VARIANCE))
        case "quartic":
            faded: Floats = (1 - (2 * _QUARTIC_REACH * places) ** 2) ** 2
            return faded
        case _:
            return np.ones_like(places)
