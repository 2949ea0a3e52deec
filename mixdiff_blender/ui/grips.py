"""Where a rectangle is grabbed, and what becomes of it when it is dragged there: arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from ..contract import Rectangle
from ..job.regions.projection import Bounds, Canvas, nearest_multiple, on_canvas
from .overlay.boxes import Box
from .overlay.frame import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Grip:
    """What a rectangle is held by: a side, a corner, or its inside.

    -1 is the upper or the left side, 1 the lower or the right one, 0 neither.
    """

    row: int
    column: int

    @property
    def cursor(self) -> str:
        """The mouse cursor, by Blender's name, that shows which way it goes."""
        if self == INSIDE:
            return "HAND"
        if self.row and self.column:
            return "SCROLL_XY"
        return "MOVE_Y" if self.row else "MOVE_X"

    def place_on(self, box: Box) -> tuple[float, float]:
        """Return where it is on a box in a viewport."""
        across, up = (1 + self.column) / 2, (1 - self.row) / 2
        return box.left + across * (box.right - box.left), box.bottom + up * (box.top - box.bottom)


INSIDE = Grip(row=0, column=0)
_ALL = tuple(Grip(row=row, column=column) for row, column in product((-1, 0, 1), repeat=2))
HANDLES = tuple(grip for grip in _ALL if grip != INSIDE)


def box_of(bounds: Bounds, canvas: Canvas, frame: Frame) -> Box:
    """Return where in a viewport the region stands that a part of the frame becomes."""
    rectangle = on_canvas(bounds, canvas)
    across, up = frame.width / canvas.width_px, frame.height / canvas.height_px
    return Box(
        left=frame.left + rectangle.col_init * across,
        right=frame.left + rectangle.col_end * across,
        bottom=frame.bottom + (canvas.height_px - rectangle.row_end) * up,
        top=frame.bottom + (canvas.height_px - rectangle.row_init) * up,
    )


def grip_at(box: Box, x: float, y: float, reach: float) -> Grip | None:
    """Return what a box is held by at a place of the viewport, or None beside it.

    Sides reach so many pixels outwards and inwards, yet leave the middle half of a small box.
    """
    if not box.grown(reach).holds(x, y):
        return None
    row = _side(box.top - y, y - box.bottom, reach)
    return Grip(row=row, column=_side(x - box.left, box.right - x, reach))


def _side(from_first: float, from_last: float, reach: float) -> int:
    inwards = min(reach, (from_first + from_last) / 4)
    if from_first <= inwards:
        return -1
    return 1 if from_last <= inwards else 0


def dragged(
    rectangle: Rectangle, grip: Grip, rows: float, columns: float, canvas: Canvas, *, snaps: bool
) -> Rectangle:
    """Return what becomes of a rectangle that is dragged by so many pixels of the canvas.

    It stays on the canvas, but where that wraps, keeps its size when it is moved, and a cell of the
    model's grid when it is scaled. If it snaps, the sides that go come to lie on the grid; the
    upper and the left one when it is moved.
    """
    top, bottom, left, right = rectangle.bounds
    grid = canvas.grid_px if snaps else 1
    around_rows, around_columns = canvas.is_ring
    high, wide = canvas.height_px, canvas.width_px
    if grip == INSIDE:
        top, bottom = _moved(top, bottom, rows, high, grid, is_ring=around_rows)
        left, right = _moved(left, right, columns, wide, grid, is_ring=around_columns)
    else:
        cell = canvas.grid_px
        first, last = (bottom - high, top + high) if around_rows else (0, high)
        top, bottom = _scaled(top, bottom, grip.row, rows, (first, last), grid, cell)
        first, last = (right - wide, left + wide) if around_columns else (0, wide)
        left, right = _scaled(left, right, grip.column, columns, (first, last), grid, cell)
    return Rectangle(row_init=top, row_end=bottom, col_init=left, col_end=right)


def _moved(
    first: int, last: int, by: float, size: int, grid: int, *, is_ring: bool
) -> tuple[int, int]:
    length = last - first
    if is_ring:
        start = nearest_multiple(first + by, grid) % size
        return start, start + length
    start = min(max(nearest_multiple(first + by, grid), 0), size - length)
    return start, start + length


def _scaled(
    first: int, last: int, side: int, by: float, within: tuple[int, int], grid: int, cell: int
) -> tuple[int, int]:
    least = max(min(cell, last - first), 1)
    if side < 0:
        first = min(max(nearest_multiple(first + by, grid), within[0]), last - least)
    elif side > 0:
        last = max(min(nearest_multiple(last + by, grid), within[1]), first + least)
    return first, last
