"""Lines where surfaces end and where they bend, as ControlNets for edges expect them."""

from __future__ import annotations

import math

import numpy as np

from ..regions.panorama import Floats
from .seen_triangles import Bools, Colours, SeenTriangles

_ROWS_AT_ONCE = 64
_CREASE = math.cos(math.radians(30))
_NEARLY_FLAT = math.cos(math.radians(10))
_GAP = 2.0  # pixels between two surfaces from which on one ends before the other


def edge_picture(seen: SeenTriangles) -> Colours:
    """Return a picture of the lines, white on black, one pixel wide: silhouettes and creases.

    A silhouette lies on the last pixel of what is nearer; a crease is where a surface as it is
    shaded bends by more than 30°. What lies in one plane has no line. (H, W, 3).
    """
    lines: Bools = np.zeros(seen.triangles.shape, dtype=bool)
    height = len(lines)
    for top in range(0, height, _ROWS_AT_ONCE):
        # One row more: the lines between this strip and the next one.
        rows = slice(top, min(top + _ROWS_AT_ONCE + 1, height))
        _draw_between_neighbours(seen, rows, lines[rows])
    return np.repeat(lines[..., None], 3, axis=2) * np.uint8(255)


def _draw_between_neighbours(seen: SeenTriangles, rows: slice, lines: Bools) -> None:
    """Draw the lines between the pixels of some rows and those right and below of them."""
    triangles, points = seen.triangles[rows], seen.points(rows)
    depths = seen.depths[rows]
    for down, right in ((0, 1), (1, 0)):
        height, width = triangles.shape
        here = slice(0, height - down), slice(0, width - right)
        there = slice(down, height), slice(right, width)
        differ = np.nonzero(triangles[here] != triangles[there])
        first, second = triangles[here][differ], triangles[there][differ]
        near = depths[here][differ] <= depths[there][differ]
        is_line = (first < 0) | (second < 0)
        both = np.nonzero(~is_line)[0]
        bends = np.zeros(len(first), dtype=bool)
        if len(both):
            a, b = first[both], second[both]
            p, q = points[here][differ][both], points[there][differ][both]
            step = q - p
            # From each to the other's plane: surfaces that meet between the two have none.
            gap = np.minimum(
                np.abs((step * seen.faces[a]).sum(axis=1)),
                np.abs((step * seen.faces[b]).sum(axis=1)),
            )
            far = _far(seen, p, q)
            is_line[both] = gap > _GAP * seen.sample * far
            # What lies nearly in one plane is shaded as one: that is most of smooth surfaces.
            turned = (seen.faces[a] * seen.faces[b]).sum(axis=1) < _NEARLY_FLAT
            a, b, middle = a[turned], b[turned], ((p + q) / 2)[turned]
            turns = (seen.shaded(a, middle) * seen.shaded(b, middle)).sum(axis=1)
            bends[both[turned]] = turns < _CREASE
        # A crease is drawn on one side, always the same.
        on_first = (is_line & near) | (bends & ~is_line)
        for chosen, part in ((on_first, here), (is_line & ~near, there)):
            lines[part][differ[0][chosen], differ[1][chosen]] = True


def _far(seen: SeenTriangles, first: Floats, second: Floats) -> Floats | float:
    """Return by how much a pixel's width grows at pairs of points, (F, 3) each → (F,)."""
    if seen.view.is_panorama:
        found: Floats = np.maximum(*(np.linalg.norm(one, axis=1) for one in (first, second)))
        return found
    return np.maximum(-first[:, 2], -second[:, 2]) if seen.view.is_perspective else 1.0
