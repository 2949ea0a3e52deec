"""Calm poles: an equirectangular picture that grows even towards zenith and nadir.

Around a pole all of a row is one small circle. What a network paints along it is as wide as
anywhere on the canvas, and is seen as spokes that meet in the pole. Of a picture that is smooth
there, the part that goes around k times fades as rᵏ towards it (Laplace's equation on a disc). So
within a radius R that part of each row fades by ρ to the power of k (1 − ρ), where ρ = r ⁄ R: not
at all at R, as smooth pictures do at the pole. The rows' means come together in that of the cap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from engine.runtime.codec import Pixels

Floats = npt.NDArray[np.float64]

_RINGS = 3  # how fast rings go: as a smooth step to this power


def calmed(strips: Iterable[Pixels], height: int, calm_deg: float) -> Iterator[Pixels]:
    """Yield a picture's rows, from top to bottom, calm within degrees of zenith and nadir.

    Rows that lie farther away are the same bytes.

    Shapes: strips (h, W, 3), which have `height` rows together.
    """
    depth = int((np.arange(height // 2) + 0.5 < calm_deg * height / 180).sum())  # rows of a cap
    held: list[Pixels] = []
    top = 0
    for strip in strips:
        for first, last in ((0, depth), (depth, height - depth), (height - depth, height)):
            part = strip[max(first - top, 0) : max(last - top, 0)]
            if not len(part):
                continue
            if first == depth:
                yield part
                continue
            held.append(part)
            if sum(map(len, held)) == depth:
                turn = slice(None, None, 1 if first == 0 else -1)  # the row at the pole first
                yield _calm_cap(np.concatenate(held)[turn], height, calm_deg)[turn]
                held.clear()
        top += len(strip)


def _calm_cap(rows: Pixels, height: int, calm_deg: float) -> Pixels:
    """Return the rows around a pole, the one at the pole first, calm."""
    share = _radii(len(rows), height, calm_deg)  # (h,), below 1
    waves = np.fft.rfft(rows.astype(np.float64), axis=1)  # (h, K, 3)
    turns = np.arange(waves.shape[1])
    waves *= (share[:, None] ** (turns * (1 - share[:, None])))[..., None]
    areas = np.sin((np.arange(len(rows)) + 0.5) * np.pi / height)
    mean = (waves[:, 0].real * areas[:, None]).sum(axis=0) / areas.sum()
    kept = (share**2 * (3 - 2 * share))[:, None] ** _RINGS
    waves[:, 0] = mean + (waves[:, 0].real - mean) * kept
    smooth = np.fft.irfft(waves, n=rows.shape[1], axis=1)
    found: Pixels = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
    return found


def _radii(count: int, height: int, calm_deg: float) -> Floats:
    """Return how far the rows around a pole are from it, in shares of the radius."""
    angle = (np.arange(count) + 0.5) * (180 / height)
    found: Floats = np.tan(np.radians(angle / 2)) / np.tan(np.radians(calm_deg / 2))
    return found
