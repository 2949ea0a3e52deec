"""Rectangles of a viewport, and what the graphics card gets.

Letters in shapes: N points, T triangles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in a viewport.

    Units: pixels, from its lower left corner.
    """

    left: float
    bottom: float
    right: float
    top: float

    def grown(self, by: float) -> Box:
        """Return the box with its sides moved outwards."""
        left, bottom = self.left - by, self.bottom - by
        return Box(left=left, bottom=bottom, right=self.right + by, top=self.top + by)

    def holds(self, x: float, y: float) -> bool:
        """Return whether a place is in the box."""
        return self.left <= x <= self.right and self.bottom <= y <= self.top

    def touches(self, other: Box) -> bool:
        """Return whether two boxes have anything in common."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.top <= other.bottom or other.top <= self.bottom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangles:
    """What the graphics card gets."""

    points: NDArray[np.float32]  # (N, 3)
    colours: NDArray[np.float32]  # (N, 4)
    corners: NDArray[np.int32]  # (T, 3), indices of points
