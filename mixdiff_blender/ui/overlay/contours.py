"""Silhouettes as triangles: a tint where they cover, and a line around it.

Letters in shapes: n m parts of a silhouette up and across, S lines, N points, T triangles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...job.regions.projection import Floats
from .boxes import Box, Colour, Triangles

_EDGE = 0.5  # of the coverage
_SIDES = ((0, 1), (1, 2), (2, 3), (3, 0))
"""The corners of a square's sides: lower left, lower right, upper right, upper left."""


def lines_around(coverage: Floats) -> Floats:
    """Return the lines between what a silhouette covers and what not.

    Shapes: (n, m) from the lower left → (S, 2, 2), two ends of x and y, in parts from the corner.
    Source: marching squares, https://en.wikipedia.org/wiki/Marching_squares.
    """
    values = np.pad(coverage, 1)
    corners = np.stack(
        [values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]], axis=-1
    )  # (n + 1, m + 1, 4)
    is_in = corners > _EDGE
    squares = np.argwhere(is_in.any(axis=-1) & ~is_in.all(axis=-1))  # (Q, 2)
    corners = corners[tuple(squares.T)]  # (Q, 4)
    at = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
    crossings = []
    is_crossed = []
    for first, second in _SIDES:
        a, b = corners[:, first], corners[:, second]
        crossed = (a > _EDGE) != (b > _EDGE)
        share = np.where(crossed, (_EDGE - a) / np.where(crossed, b - a, 1), 0)
        crossings.append(at[first] + share[:, None] * (at[second] - at[first]))
        is_crossed.append(crossed)
    points = np.stack(crossings, axis=1) + squares[:, None, ::-1] - 0.5  # (Q, 4, 2)
    order = np.argsort(~np.stack(is_crossed, axis=1), axis=1, kind="stable")  # crossed ones first
    points = np.take_along_axis(points, order[..., None], axis=1)
    is_saddle = np.stack(is_crossed, axis=1).all(axis=1)
    lines: Floats = np.concatenate([points[:, :2], points[is_saddle, 2:]])
    return lines


def line_triangles(lines: Floats, width_px: float, colour: Colour, alpha: float) -> Triangles:
    """Return lines as wide as so many pixels.

    Shapes: (S, 2, 2), in pixels.
    """
    along = lines[:, 1] - lines[:, 0]
    length = np.maximum(np.hypot(*along.T), 1e-6)[:, None]
    along = along / length * width_px / 2
    across = along[:, ::-1] * (-1, 1)
    # Longer by half their width, so that they meet.
    start, end = lines[:, 0] - along / 2, lines[:, 1] + along / 2
    points = np.stack([start - across, end - across, end + across, start + across], axis=1)
    corners = np.arange(len(lines))[:, None, None] * 4 + np.array([[0, 1, 2], [0, 2, 3]])
    return _triangles(points.reshape(-1, 2), np.full(len(lines) * 4, alpha), colour, corners)


def tint_triangles(coverage: Floats, box: Box, colour: Colour, alpha: float) -> Triangles:
    """Return what a silhouette covers, faint where it covers little.

    Shapes: (n, m) from the lower left of the box.
    """
    high, wide = coverage.shape
    ups, acrosses = (np.clip(np.arange(size + 2) - 0.5, 0, size) / size for size in (high, wide))
    y, x = box.bottom + ups * (box.top - box.bottom), box.left + acrosses * (box.right - box.left)
    # At the box's sides as inside of it.
    values = np.pad(coverage, 1, mode="edge")
    number = np.arange(values.size).reshape(values.shape)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    squares = np.stack([a, b, c, d], axis=-1).reshape(-1, 4)
    squares = squares[values.ravel()[squares].max(axis=1) > 0]
    corners = squares[:, [[0, 1, 2], [0, 2, 3]]]
    points = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1).reshape(-1, 2)
    return _triangles(points, values.ravel() * alpha, colour, corners)


def _triangles(
    points: Floats, alphas: Floats, colour: Colour, corners: NDArray[np.intp]
) -> Triangles:
    colours = np.empty((len(points), 4), dtype=np.float32)
    colours[:, :3], colours[:, 3] = colour, alphas
    return Triangles(
        points=np.pad(points, ((0, 0), (0, 1))).astype(np.float32),
        colours=colours,
        corners=corners.reshape(-1, 3).astype(np.int32),
    )
