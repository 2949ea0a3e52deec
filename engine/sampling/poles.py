"""Calm poles: rows of an equirectangular picture that grow even towards zenith and nadir.

Around a pole all of a row is one small circle. What a network paints along it has the size that it
has elsewhere on the canvas, and is seen as spokes that meet in the pole. Of a picture that is smooth
there, the part that goes around k times fades as rᵏ towards it (Laplace's equation on a disc). So
that part of each row fades by (r ⁄ R)ᵏ within a radius R: the row's mean stays, and at R nothing
changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.runtime.codec import Pixels


def calmed(rows: Pixels, top: int, height: int, calm_deg: float) -> Pixels:
    """Return rows of a picture, which begin at `top` of `height`, calm within degrees of its poles.

    Rows that lie farther away are the same bytes.

    Shapes: (h, W, 3) → (h, W, 3).
    """
    shares = _shares(top + np.arange(len(rows)), height, calm_deg)  # (h,), of the radius
    inside = shares < 1
    if not inside.any():
        return rows
    waves = np.fft.rfft(rows[inside].astype(np.float64), axis=1)  # (n, K, 3)
    turns = np.arange(waves.shape[1])
    waves *= (shares[inside][:, None] ** turns)[..., None]
    smooth = np.fft.irfft(waves, n=rows.shape[1], axis=1)
    found = rows.copy()
    found[inside] = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
    return found


def _shares(rows: npt.NDArray[np.int_], height: int, calm_deg: float) -> npt.NDArray[np.float64]:
    """Return how far rows are from the nearer pole, in radii, as a stereographic map has it."""
    from_top = (rows + 0.5) * (180 / height)
    angle = np.minimum(from_top, 180 - from_top)
    if calm_deg <= 0:
        return np.ones(len(rows))
    found: npt.NDArray[np.float64] = np.tan(np.radians(angle / 2)) / np.tan(
        np.radians(calm_deg / 2)
    )
    return found
