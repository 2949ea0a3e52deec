"""All around a camera: equirectangular, azimuths across and elevations up. Plain arithmetic.

In camera space −z is ahead, in the middle of the picture; azimuths grow to the right, up is +90°.

Letters in shapes: N points, T triangles, H W of the frame in samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Arc = tuple[float, float]
"""Where a part of the circle begins, from 0 to 1, and where it ends, at most 1 further on."""

CAMERA_TO_ENVIRONMENT: Floats = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""From camera space to that in which Blender's environment textures are laid out, (3, 3)."""

_POLE = 1e-9
_WHOLE: Arc = (0.0, 1.0)


def angles_of(local: Floats) -> tuple[Floats, Floats]:
    """Return the azimuth, −π to π, and the elevation of places in camera space; (..., 3)."""
    x, y, z = np.moveaxis(local, -1, 0)
    return np.arctan2(x, -z), np.arctan2(y, np.hypot(x, z))


@lru_cache(maxsize=4)
def directions(height: int, width: int) -> Floats:
    """Return where each sample of the frame looks, in camera space; (H, W, 3), unit length."""
    azimuth = ((np.arange(width) + 0.5) / width * 2 - 1) * np.pi
    elevation = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    flat = np.cos(elevation)[:, None]
    x, z = flat * np.sin(azimuth), -flat * np.cos(azimuth)
    y = np.broadcast_to(np.sin(elevation)[:, None], x.shape)
    found: Floats = np.stack([x, y, z], axis=-1)
    found.flags.writeable = False
    return found


def axes_of(rays: Floats) -> Floats:
    """Return what is right, up and back for who looks along rays, as rows; (F, 3) → (F, 3, 3)."""
    flat = np.maximum(np.hypot(rays[:, 0], rays[:, 2]), _POLE)
    right = np.stack([-rays[:, 2] / flat, np.zeros_like(flat), rays[:, 0] / flat], axis=1)
    return np.stack([right, np.cross(-rays, right), -rays], axis=1)


def extent_of(local: Floats, triangles: Ints) -> tuple[Arc, float, float] | None:
    """Return which azimuths triangles take, as shares of the circle, and which elevations.

    Their edges are arcs of great circles; one that holds a pole takes all azimuths.

    Shapes: local (N, 3) in camera space; triangles (T, 3) of indices of points. A line is a
    triangle with two equal corners.
    """
    if not len(triangles):
        return None
    azimuth, elevation = angles_of(local)
    corners, turned = local[triangles], azimuth[triangles]  # (T, 3, 3), (T, 3)
    following = np.roll(turned, -1, axis=1)
    swept = (following - turned + np.pi) % (2 * np.pi) - np.pi  # (T, 3), the short way
    has_pole = np.abs(swept.sum(axis=1)) > np.pi
    lowest, highest = elevation[triangles].min(), elevation[triangles].max()
    lowest, highest = _with_apexes(corners, turned, swept, float(lowest), float(highest))
    if has_pole.any():
        first, second, third = np.moveaxis(corners[has_pole], 1, 0)
        normals = np.cross(second - first, third - first)
        is_above = (normals * first).sum(axis=1) * normals[:, 1] > 0  # where it meets the axis
        highest = np.pi / 2 if is_above.any() else highest
        lowest = lowest if is_above.all() else -np.pi / 2
        return _WHOLE, lowest, highest
    along = turned[:, :1] + np.cumsum(swept, axis=1) - swept  # (T, 3), unwound
    shares = np.stack([along.min(axis=1), along.max(axis=1)], axis=1) / (2 * np.pi) + 0.5
    return around_arcs([(start, end) for start, end in shares.tolist()]), lowest, highest


def _with_apexes(
    corners: Floats, azimuth: Floats, swept: Floats, lowest: float, highest: float
) -> tuple[float, float]:
    """Return the lowest and the highest elevation, with those that edges reach between corners."""
    normals = np.cross(corners, np.roll(corners, -1, axis=1))  # (T, 3, 3)
    x, y, z = np.moveaxis(normals, -1, 0)
    flat, length = np.hypot(x, z), np.linalg.norm(normals, axis=-1)
    is_arc = (length > 0) & (flat > _POLE * length)
    # The highest point of a great circle stands where its upward normal leans away from.
    for sign in (1, -1):
        lean = np.where(y >= 0, -1.0, 1.0) * sign
        apex = np.arctan2(lean * x, -lean * z)
        since = (apex - azimuth + np.pi) % (2 * np.pi) - np.pi
        passed = is_arc & (since * np.sign(swept) > 0) & (np.abs(since) < np.abs(swept))
        if passed.any():
            reached = np.arccos(np.clip(np.abs(y[passed]) / length[passed], 0, 1))
            if sign > 0:
                highest = max(highest, float(reached.max()))
            else:
                lowest = min(lowest, -float(reached.max()))
    return lowest, highest


def around_arcs(arcs: Sequence[Arc]) -> Arc:
    """Return the shortest part of the circle that holds all the parts."""
    turned = sorted((start % 1.0, start % 1.0 + (end - start)) for start, end in arcs)
    if any(end - start >= 1 for start, end in turned):
        return _WHOLE
    merged: list[Arc] = []
    for start, end in turned:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    if merged[-1][1] - merged[0][0] >= 1:  # it goes over the beginning
        over = merged[-1][1] - 1
        merged = [arc for arc in merged if arc[1] > over] or merged[-1:]
    gaps = [(later[0] - earlier[1], later[0]) for earlier, later in pairwise(merged)]
    gaps.append((merged[0][0] + 1 - merged[-1][1], merged[0][0]))
    gap, start = max(gaps)
    return _WHOLE if gap <= 0 else (start, start + 1 - gap)
