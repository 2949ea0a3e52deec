"""Which side of a surface a camera looks at: of a closed one the outer, or from within the inner.

A texel has no back. So what lies a little behind a surface, as a thin wall's other side does, is
told from it by the side that is turned to the camera.

Letters in shapes: N points, T triangles, E edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...job.regions.projection import Floats, Ints

_FLAT = 1e-9  # of the box around a closed part: the volume of what encloses nothing


def sides_seen(points: Floats, triangles: Ints, camera: Floats) -> NDArray[np.int8]:
    """Return which side of each triangle a camera can see: 1 front, -1 back, 0 either.

    Shapes: (N, 3), (T, 3), camera (4,), its last number 0 where it stands in a direction → (T,).
    """
    sides = np.zeros(len(triangles), dtype=np.int8)
    if not len(triangles):
        return sides
    points, at = np.unique(points, axis=0, return_inverse=True)  # what edges were split of is one
    triangles = at.ravel()[triangles].astype(np.int32)
    lowest = _parts(len(points), triangles)[triangles[:, 0]]
    _, part = np.unique(lowest, return_inverse=True)  # (T,)
    is_closed = _closed(triangles, part)
    volume = _volumes(points, triangles, part)
    winding = np.zeros(len(volume), dtype=int)
    if camera[3]:
        winding = _windings(points[triangles] - camera[:3] / camera[3], part, len(volume))
    is_outwards = (volume > 0).astype(int)
    # Outwards, 0 is outside and 1 inside; inwards, 0 is outside and -1 inside.
    seen = np.select(
        [~is_closed, volume == 0, winding == 0, winding == 2 * is_outwards - 1],
        [0, 0, 2 * is_outwards - 1, 1 - 2 * is_outwards],
        default=0,
    )
    sides[:] = seen[part]
    return sides


def _parts(count: int, triangles: Ints) -> Ints:
    """Return the lowest point that each point hangs together with; (N,)."""
    lowest = np.arange(count, dtype=np.int32)
    while True:
        of_triangle = lowest[triangles].min(axis=1)
        before = lowest.copy()
        np.minimum.at(lowest, triangles, of_triangle[:, None])
        lowest = lowest[lowest]
        if np.array_equal(before, lowest):
            return lowest


def _closed(triangles: Ints, part: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return of each part whether each edge has two triangles, one for each direction."""
    starts, ends = triangles, np.roll(triangles, -1, axis=1)
    lower, higher = np.minimum(starts, ends), np.maximum(starts, ends)
    keys = (lower.astype(np.int64) << 32 | higher).ravel()
    turn = np.where(starts < ends, 1, -1).ravel()
    _, first, edge = np.unique(keys, return_index=True, return_inverse=True)
    edge = edge.ravel()
    balance = np.bincount(edge, weights=turn)
    is_good = (np.bincount(edge) == 2) & (balance == 0)  # (E,)
    closed = np.ones(part.max() + 1, dtype=bool)
    closed[part[first[~is_good] // 3]] = False
    return closed


def _volumes(points: Floats, triangles: Ints, part: NDArray[np.intp]) -> Floats:
    """Return the volume that each part encloses, 0 where that is next to nothing."""
    corners = points[triangles] - points[triangles].mean(axis=(0, 1))
    one, two, three = corners[:, 0], corners[:, 1], corners[:, 2]
    volumes = np.bincount(part, weights=(one * np.cross(two, three)).sum(axis=1) / 6)
    extents = np.zeros((len(volumes), 2, 3))
    extents[:, 0], extents[:, 1] = np.inf, -np.inf
    np.minimum.at(extents[:, 0], part, corners.min(axis=1))
    np.maximum.at(extents[:, 1], part, corners.max(axis=1))
    box = (extents[:, 1] - extents[:, 0]).max(axis=1) ** 3
    found: Floats = np.where(np.abs(volumes) > _FLAT * box, volumes, 0.0)
    return found


def _windings(corners: Floats, part: NDArray[np.intp], count: int) -> NDArray[np.int_]:
    """Return how often each part goes around the origin.

    Source: van Oosterom and Strackee, The solid angle of a plane triangle, 1983.
    """
    one, two, three = corners[:, 0], corners[:, 1], corners[:, 2]
    a, b, c = (np.linalg.norm(corner, axis=1) for corner in (one, two, three))
    triple = (one * np.cross(two, three)).sum(axis=1)
    rest = a * b * c + c * (one * two).sum(axis=1)
    rest += a * (two * three).sum(axis=1) + b * (three * one).sum(axis=1)
    angles = 2 * np.arctan2(triple, rest)
    turns = np.bincount(part, weights=angles, minlength=count) / (4 * np.pi)
    found: NDArray[np.int_] = np.rint(turns).astype(int)
    return found
