"""Triangles that show regions: their weights as a tint, and an outline clear over anything.

Letters in shapes: N points, T triangles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import Box, Colour, Triangles
from .contours import line_triangles, lines_around, tint_triangles
from .frame import Frame
from .region_shapes import GRID, RegionShape

_FAINTEST, _STRONGEST = 0.05, 0.5
_EDGE: Colour = (0.03, 0.03, 0.04)


def box_of(region: RegionShape, frame: Frame) -> Box:
    """Return where a region stands in the viewport, on whole pixels."""
    return Box(
        left=round(frame.left + region.left * frame.width),
        right=round(frame.left + region.right * frame.width),
        bottom=round(frame.bottom + region.bottom * frame.height),
        top=round(frame.bottom + region.top * frame.height),
    )


class Sheet:
    """Collects what is drawn, the first undermost; tints are under everything else."""

    def __init__(self) -> None:
        self._fading: list[tuple[Box, RegionShape]] = []
        self._flat: list[_Fill] = []
        self._covered: list[Triangles] = []
        self._lines: list[Triangles] = []
        self._upper: list[_Fill] = []

    def add_tint(self, box: Box, region: RegionShape) -> None:
        """Tint a box as strongly as the region weighs there."""
        if region.silhouette is not None:
            strength = _strength(region)
            self._covered.append(tint_triangles(region.silhouette, box, region.colour, strength))
        elif region.falloff is None:
            self._flat.append(_fill(box, region.colour, _strength(region)))
        else:
            self._fading.append((box, region))

    def add_box(self, box: Box, colour: Colour, alpha: float) -> None:
        """Fill a box."""
        self._upper.append(_fill(box, colour, alpha))

    def add_outline(self, box: Box, colour: Colour, width_px: float) -> None:
        """Draw a coloured line just inside a box, with a dark edge on both sides of it."""
        self._add_ring(box, width_px + 2, _EDGE, 0.8)
        self._add_ring(box.grown(-1), width_px, colour, 1.0)

    def add_contour(self, box: Box, region: RegionShape, width_px: float) -> None:
        """Draw a coloured line around what a region's silhouette covers, with dark edges."""
        assert region.silhouette is not None
        high, wide = region.silhouette.shape
        part = np.array([(box.right - box.left) / wide, (box.top - box.bottom) / high])
        lines = lines_around(region.silhouette) * part + (box.left, box.bottom)
        self._lines.append(line_triangles(lines, width_px + 2, _EDGE, 0.8))
        self._lines.append(line_triangles(lines, width_px, region.colour, 1.0))

    def _add_ring(self, box: Box, width_px: float, colour: Colour, alpha: float) -> None:
        inner = box.grown(-width_px)
        for sides in (
            (box.left, box.bottom, box.right, inner.bottom),
            (box.left, inner.top, box.right, box.top),
            (box.left, inner.bottom, inner.left, inner.top),
            (inner.right, inner.bottom, box.right, inner.top),
        ):
            self._upper.append((*sides, *colour, alpha))

    def triangles(self) -> Triangles | None:
        """Return all that was added, or None for nothing."""
        tints = [_filled(self._flat), _faded(self._fading), *self._covered]
        parts = [*tints, *self._lines, _filled(self._upper)]
        kept = [part for part in parts if len(part.points)]
        if not kept:
            return None
        starts = np.cumsum([0, *(len(part.points) for part in kept[:-1])])
        corners = [part.corners + start for part, start in zip(kept, starts, strict=True)]
        return Triangles(
            points=np.concatenate([part.points for part in kept]),
            colours=np.concatenate([part.colours for part in kept]),
            corners=np.concatenate(corners).astype(np.int32),
        )


_Fill = tuple[float, ...]
"""Left, bottom, right, top, red, green, blue, alpha."""


def _fill(box: Box, colour: Colour, alpha: float) -> _Fill:
    return (box.left, box.bottom, box.right, box.top, *colour, alpha)


def _strength(region: RegionShape) -> float:
    # A root so high that weights which are powers of ten apart, as those that order regions by
    # depth, are all seen.
    return _FAINTEST + (_STRONGEST - _FAINTEST) * math.pow(region.weight, 0.125)


def _filled(fills: Sequence[_Fill]) -> Triangles:
    values = np.array(fills, dtype=np.float32).reshape(-1, 8)
    sides = values[:, [[0, 1], [2, 1], [0, 3], [2, 3]]]  # (boxes, 4, 2)
    return _grids(sides, np.repeat(values[:, None, 4:], 4, axis=1), 1)


def _faded(tints: Sequence[tuple[Box, RegionShape]]) -> Triangles:
    """Return the tints whose strength changes."""
    along = np.linspace(0, 1, GRID)
    values = np.array([_fill(box, region.colour, _strength(region)) for box, region in tints])
    values = values.reshape(-1, 8)
    falloffs = np.array([region.falloff for _, region in tints]).reshape(-1, GRID * GRID)
    low, high = values[:, :2], values[:, 2:4]
    steps = low[:, None] + (high - low)[:, None] * along[:, None]  # (boxes, points, 2)
    shape = (len(tints), GRID, GRID)
    across, up = steps[:, None, :, 0], steps[:, :, None, 1]
    sides = np.stack([np.broadcast_to(across, shape), np.broadcast_to(up, shape)], axis=-1)
    colours = np.repeat(values[:, None, 4:], GRID * GRID, axis=1)
    colours[..., 3] = _FAINTEST + (values[:, 7:] - _FAINTEST) * falloffs
    return _grids(sides, colours, GRID - 1)


def _grids(sides: NDArray[Any], colours: NDArray[Any], cells: int) -> Triangles:
    """Return grids of so many cells a side as triangles.

    Shapes: sides (grids, (cells + 1)², 2), colours (grids, (cells + 1)², 4).
    """
    each = (cells + 1) ** 2
    number = np.arange(each).reshape(cells + 1, cells + 1)
    a, b = number[:-1, :-1].ravel(), number[:-1, 1:].ravel()
    c, d = number[1:, :-1].ravel(), number[1:, 1:].ravel()
    one = np.stack([a, b, d, a, d, c], axis=1).reshape(-1, 3)
    corners = np.arange(len(sides))[:, None, None] * each + one
    points = np.zeros((len(sides) * each, 3), dtype=np.float32)
    points[:, :2] = sides.reshape(-1, 2)
    return Triangles(
        points=points,
        colours=colours.reshape(-1, 4).astype(np.float32),
        corners=corners.reshape(-1, 3).astype(np.int32),
    )


def draw_shapes(
    sheet: Sheet, regions: Sequence[RegionShape], frame: Frame, active: str, *, tinted: bool = True
) -> None:
    """Add all regions: tints first, then outlines, the active one's on top and wider."""
    for region in regions if tinted else ():
        sheet.add_tint(box_of(region, frame), region)
    for region in sorted(regions, key=lambda region: region.id == active):
        width_px = 3 if region.id == active else 1
        if region.silhouette is None:
            sheet.add_outline(box_of(region, frame), region.colour, width_px)
        else:
            sheet.add_contour(box_of(region, frame), region, width_px)
