"""How a region's weight falls off from its middle to its border: one formula for every program.

A falloff is the product of two profiles, one along each axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_GAUSSIAN_VARIANCE = 0.01
_QUARTIC_REACH = 0.995


@dataclass(frozen=True, slots=True)
class Falloff:
    """A falloff by its name in the job, and as a person reads it."""

    name: str
    label: str
    along: Callable[[int, float], list[float]]
    """The weights of so many cells along an axis; the second number is the feather in cells."""
    description: str


def _constant(cells: int, feather: float) -> list[float]:
    return [1.0] * cells


def _gaussian(cells: int, feather: float) -> list[float]:
    scale = math.sqrt(2 * math.pi * _GAUSSIAN_VARIANCE)
    offsets = [(index - (cells - 1) / 2) / cells for index in range(cells)]
    return [math.exp(-(offset**2) / (2 * _GAUSSIAN_VARIANCE)) / scale for offset in offsets]


def _quartic(cells: int, feather: float) -> list[float]:
    if cells == 1:
        return [15 / 16]
    step = 2 * _QUARTIC_REACH / (cells - 1)
    offsets = [*(index * step - _QUARTIC_REACH for index in range(cells - 1)), _QUARTIC_REACH]
    return [15 / 16 * (1 - offset**2) ** 2 for offset in offsets]


def _feather(cells: int, feather: float) -> list[float]:
    reach = min(feather, cells / 2)
    depths = [min(index + 0.5, cells - index - 0.5) for index in range(cells)]
    return [
        1.0 if depth >= reach else 0.5 - 0.5 * math.cos(math.pi * depth / reach) for depth in depths
    ]


FALLOFFS = {
    falloff.name: falloff
    for falloff in (
        Falloff("constant", "None", _constant, "The same weight everywhere"),
        Falloff("gaussian", "Soft", _gaussian, "Falls off quickly away from the middle"),
        Falloff("quartic", "Wide", _quartic, "Falls off gently, and to nothing at the border"),
        Falloff("feather", "Feather", _feather, "Fills the region, with soft edges"),
    )
}
"""By their names in a job, in the order in which they are offered."""


def profile(mask_type: str, cells: int, feather_cells: float = 0.0) -> list[float]:
    """Return a falloff's weights along one axis of a region.

    Shapes: (cells,).
    Source: arXiv 2302.02412; https://en.wikipedia.org/wiki/Kernel_(statistics) for quartic;
    feather is half a period of a cosine.
    """
    return FALLOFFS[mask_type].along(cells, feather_cells)
