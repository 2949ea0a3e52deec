"""How far a camera sees, as 16-bit numbers of a picture: equal steps of the logarithm.

Distances are compared in shares of themselves, and each step is the same share: 0.007 % where the
farthest is a hundred times as far as the nearest. They are rounded up: what is seen is never
farther than what is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEAR, _RATIO = "mixdiff_near", "mixdiff_ratio"
ENDLESS = 2**16 - 1
"""The number of what nothing stands in the way of."""
LAST = ENDLESS - 1
_EXACT = 1e-6  # of a step: a number that is one already is not rounded up
_SMALLEST_RATIO = 1.0001


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthRange:
    """The nearest of a depth picture, and how many times as far the farthest is."""

    near: float
    ratio: float

    @classmethod
    def around(cls, depths: NDArray[np.float64]) -> DepthRange:
        """Return the range of distances, those without end left out."""
        finite = depths[np.isfinite(depths) & (depths > 0)]
        near = float(finite.min()) if len(finite) else 1.0
        far = float(finite.max()) if len(finite) else 1.0
        return cls(near=near, ratio=max(far / near, _SMALLEST_RATIO))

    @classmethod
    def of(cls, image: Any) -> DepthRange | None:
        """Return the range that an image keeps, None for one whose numbers are distances."""
        try:
            near, ratio = float(image[_NEAR]), float(image[_RATIO])
        except (KeyError, TypeError, ValueError):
            return None
        if not (0 < near < math.inf and 1 < ratio < math.inf):
            return None
        return cls(near=near, ratio=ratio)

    def keep_on(self, image: Any) -> None:
        """Write the range to an image."""
        image[_NEAR], image[_RATIO] = self.near, self.ratio

    def codes(self, depths: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Return the numbers of distances."""
        is_finite = np.isfinite(depths)
        shares = np.where(is_finite, np.maximum(depths, self.near), self.near) / self.near
        steps = np.ceil(np.log(shares) / math.log(self.ratio) * LAST - _EXACT)
        found = np.where(is_finite, np.clip(steps, 0, LAST), ENDLESS)
        codes: NDArray[np.uint16] = found.astype(np.uint16)
        return codes

    def depths(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distances of an image's values, which are numbers from 0 to 1."""
        codes = np.rint(values.astype(np.float64) * ENDLESS)
        depths = self.near * np.exp(codes / LAST * math.log(self.ratio))
        found: NDArray[np.float64] = np.where(codes == ENDLESS, np.inf, depths)
        return found
