"""Triangles that show places: their weights as a tint, and an outline clear over anything.

Letters in shapes: N points, T triangles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .frame import Frame
from .region_shapes import GRID, Colour, RegionShape

_FAINTEST, _STRONGEST = 0.05, 0.5
_EDGE: Colour = (0.03, 0.03, 0.04)


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
        return Box(
            left=self.left - by, bottom=self.bottom - by, right=self.right + by, top=self.top + by
        )

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


def box_of(place: RegionShape, frame: Frame) -> Box:
    """Return where a place stands in the viewport, on whole pixels."""
    return Box(
        left=round(frame.left + place.left * frame.width),
        right=round(frame.left + place.right * frame.width),
        bottom=round(frame.bottom + place.bottom * frame.height),
        top=round(frame.bottom + place.top * frame.height),
    )


class Sheet:
    """Collects what is drawn, the first undermost; tints are under everything else."""

    def __init__(self) -> None:
        self._fading: list[tuple[Box, RegionShape]] = []
        self._flat: list[_Fill] = []
        self._upper: list[_Fill] = []

    def add_tint(self, box: Box, place: RegionShape) -> None:
        """Tint a box as strongly as the region weighs there."""
        if place.falloff is None:
            self._flat.append(_fill(box, place.colour, _strength(place)))
        else:
            self._fading.append((box, place))

    def add_box(self, box: Box, colour: Colour, alpha: float) -> None:
        """Fill a box."""
        self._upper.append(_fill(box, colour, alpha))

    def add_outline(self, box: Box, colour: Colour, width_px: float) -> None:
        """Draw a coloured line just inside a box, with a dark edge on both sides of it."""
        self._add_ring(box, width_px + 2, _EDGE, 0.8)
        self._add_ring(box.grown(-1), width_px, colour, 1.0)

    def _add_ring(self, box: Box, width_px: float, colour: Colour, alpha: float) -> None:
        inner = box.grown(-width_px)
        for left, bottom, right, top in (
            (box.left, box.bottom, box.right, inner.bottom),
            (box.left, inner.top, box.right, box.top),
            (box.left, inner.bottom, inner.left, inner.top),
            (inner.right, inner.bottom, box.right, inner.top),
        ):
            self._upper.append((left, bottom, right, top, *colour, alpha))

    def triangles(self) -> Triangles | None:
        """Return all that was added, or None for nothing."""
        parts = [_filled(self._flat), _faded(self._fading), _filled(self._upper)]
        kept = [part for part in parts if len(part.points)]
        if not kept:
            return None
        starts = np.cumsum([0, *(len(part.points) for part in kept[:-1])])
        return Triangles(
            points=np.concatenate([part.points for part in kept]),
            colours=np.concatenate([part.colours for part in kept]),
            corners=np.concatenate(
                [part.corners + start for part, start in zip(kept, starts, strict=True)]
            ).astype(np.int32),
        )


_Fill = tuple[float, ...]
"""Left, bottom, right, top, red, green, blue, alpha."""


def _fill(box: Box, colour: Colour, alpha: float) -> _Fill:
    return (box.left, box.bottom, box.right, box.top, *colour, alpha)


def _strength(place: RegionShape) -> float:
    # A root so high that weights which are powers of ten apart, as those that order regions by
    # depth, are all seen.
    return _FAINTEST + (_STRONGEST - _FAINTEST) * math.pow(place.weight, 0.125)


def _filled(fills: Sequence[_Fill]) -> Triangles:
    values = np.array(fills, dtype=np.float32).reshape(-1, 8)
    sides = values[:, [[0, 1], [2, 1], [0, 3], [2, 3]]]  # (boxes, 4, 2)
    return _grids(sides, np.repeat(values[:, None, 4:], 4, axis=1), 1)


def _faded(tints: Sequence[tuple[Box, RegionShape]]) -> Triangles:
    """Return the tints whose strength changes."""
    along = np.linspace(0, 1, GRID)
    values = np.array([_fill(box, place.colour, _strength(place)) for box, place in tints])
    values = values.reshape(-1, 8)
    falloffs = np.array([place.falloff for _, place in tints]).reshape(-1, GRID * GRID)
    low, high = values[:, :2], values[:, 2:4]
    steps = low[:, None] + (high - low)[:, None] * along[:, None]  # (boxes, points, 2)
    shape = (len(tints), GRID, GRID)
    sides = np.stack(
        [
            np.broadcast_to(steps[:, None, :, 0], shape),
            np.broadcast_to(steps[:, :, None, 1], shape),
        ],
        axis=-1,
    ).reshape(len(tints), GRID * GRID, 2)
    alpha = _FAINTEST + (values[:, 7:] - _FAINTEST) * falloffs
    colours = np.concatenate(
        [np.repeat(values[:, None, 4:7], GRID * GRID, axis=1), alpha[..., None]], axis=-1
    )
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
    sheet: Sheet, places: Sequence[RegionShape], frame: Frame, active: str, *, tinted: bool = True
) -> None:
    """Add all places: tints first, then outlines, the active one's on top and wider."""
    for place in places if tinted else ():
        sheet.add_tint(box_of(place, frame), place)
    for place in sorted(places, key=lambda place: place.id == active):
        sheet.add_outline(box_of(place, frame), place.colour, 3 if place.id == active else 1)
