"""Rectangles of the canvas: how much of it they cover, and where they cross its edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, TypeVar

from .kinds import Whole, spec

WRAPS = ("none", "x", "y", "both")
SIDES = ("row_init", "row_end", "col_init", "col_end")


class Axes(NamedTuple):
    """What is so along rows, from top to bottom, and along columns, from left to right."""

    rows: bool
    columns: bool


NO_AXES = Axes(rows=False, columns=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A part of the canvas, in pixels; starts are included, ends are not."""

    row_init: int = spec(Whole(0), "First row of pixels, counted from the top")
    row_end: int = spec(Whole(0), "Row of pixels below the last one")
    col_init: int = spec(Whole(0), "First column of pixels, counted from the left")
    col_end: int = spec(Whole(0), "Column of pixels right of the last one")

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return self.row_end - self.row_init

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return self.col_end - self.col_init

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """Top, bottom, left and right, as `SIDES` names them."""
        return self.row_init, self.row_end, self.col_init, self.col_end


_R = TypeVar("_R", bound=Rectangle)


def stretches(start: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a ring of some length that lie from start to end, in order.

    Either may lie beyond the ring's ends; what is longer than it comes around again.
    """
    while start < end:
        at = start % length
        size = min(end - start, length - at)
        yield at, at + size
        start += size


def pieces(rectangle: _R, height_px: int, width_px: int) -> list[_R]:
    """Return what a rectangle covers of a canvas whose edges it may cross; itself if it does not.

    The pieces are rectangles of the same kind, those of the upper rows first.
    """
    top, bottom, left, right = rectangle.bounds
    if min(top, left) >= 0 and bottom <= height_px and right <= width_px:
        return [rectangle]
    return [
        replace(rectangle, row_init=first, row_end=last, col_init=begin, col_end=end)
        for first, last in stretches(top, bottom, height_px)
        for begin, end in stretches(left, right, width_px)
    ]


def uncovered_share(height_px: int, width_px: int, rectangles: Sequence[Rectangle]) -> float:
    """Return the share of the canvas that no rectangle covers, from 0 to 1."""
    edges = sorted(
        {0, height_px, *(r.row_init for r in rectangles), *(r.row_end for r in rectangles)}
    )
    edges = [edge for edge in edges if 0 <= edge <= height_px]
    covered = 0
    for top, bottom in pairwise(edges):
        spans_here = sorted(
            (max(r.col_init, 0), min(r.col_end, width_px))
            for r in rectangles
            if r.row_init <= top and r.row_end >= bottom
        )
        reached = 0
        for start, end in spans_here:
            covered += max(0, end - max(start, reached)) * (bottom - top)
            reached = max(reached, end)
    return 1 - covered / (height_px * width_px)
