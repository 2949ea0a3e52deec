"""What regions cover of the picture where each covers what is seen of it.

Letters in shapes: H W of the canvas, h w of a part of it, in samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...contract import Rectangle, atomic_write
from ...storage.images import png_of
from .kept_drawing import drawn, drawn_anew
from .pieces import Piece
from .projection import CameraView, Canvas, Floats, Ints

Shares = NDArray[np.float32]
_Bools = NDArray[np.bool_]
_Places = NDArray[np.intp]

SHOWN_PARTS = 128
"""Of a silhouette along a side where it is shown: as many as make its outline look smooth."""
_MOST_SAMPLES = 2**20
_MOST_DENSITY, _LEAST_DENSITY = 2.0, 0.5  # samples a pixel of the canvas, along a side
_CONTEXT_CELLS = 4  # that the model sees beyond what it generates
_LEAST_WINDOW_CELLS = 16
_FEATHER_STEPS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coverage:
    """How much a region covers of each part of a rectangle: a mask, before it is a file."""

    shares: Shares
    """(h, w) from 0 to 1, first row at the top."""
    density: float
    """How many of them a pixel of the canvas has along a side."""
    _small: dict[int, Shares] = field(default_factory=dict, repr=False)

    def means(self, side_px: int) -> Shares:
        """Return how much is covered of parts of so many pixels, by which the sides divide."""
        side = max(1, int(side_px * self.density))
        height, width = self.shares.shape
        parts = self.shares.reshape(height // side, side, width // side, side)
        means: Shares = parts.mean(axis=(1, 3))
        return means

    def small(self, most: int) -> Shares:
        """Return it in fewer parts, at most so many along a side where they halve that often."""
        if most not in self._small:
            self._small[most] = self._halved(most)
        return self._small[most]

    def _halved(self, most: int) -> Shares:
        shares = self.shares
        while max(shares.shape) > most and not any(side % 2 for side in shares.shape):
            height, width = shares.shape
            shares = shares.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        return shares

    def has_whole(self, side_px: int) -> bool:
        """Return whether there is a part of so many pixels that is covered as a whole."""
        return bool((self.means(side_px) >= 1).any())

    def is_read(self) -> bool:
        """Return that nothing of it is Blender's."""
        return True

    def write(self, path: Path) -> None:
        """Write it as a PNG.

        Raises: EngineError of kind `output`.
        """
        levels = np.rint(self.shares * 255).astype(np.uint8)
        with atomic_write(path) as file:
            file.write(png_of(np.repeat(levels[..., None], 3, axis=2)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Silhouette:
    """What is seen of a region, in a window with some of what is around it."""

    window: Rectangle
    coverage: Coverage
    """Over the window."""
    far: float
    """How far from the camera the last of what is seen is."""


class Silhouettes:
    """Looks at the things of a scene through its camera: what hides others has what it hides."""

    def __init__(
        self,
        view: CameraView,
        canvas: Canvas,
        shown: Iterable[tuple[int, Sequence[Piece]]],
        *,
        keep: bool = True,
    ) -> None:
        """`shown` has all that can be seen, each with its region's number, from 1; or 0.

        What stands still is kept, unless that is not to be.
        """
        self._canvas = canvas
        self._density = density_of(canvas)
        draw = drawn if keep else drawn_anew
        buffer = draw(view, _size(canvas, self._density), shown)
        self._numbers = buffer.owners  # (H, W)
        self._depths = buffer.depths  # (H, W)
        self._rows = _extents(self._numbers)
        self._columns = (_arcs if canvas.is_panorama else _extents)(self._numbers.T)

    def of(self, number: int, feather_px: int = 0) -> Silhouette | None:
        """Return what is seen of a region, or None where nothing is.

        It is soft outwards for some pixels, but never over what is seen of another region.
        """
        if number not in self._rows:
            return None
        window = self._window(self._rows[number], self._columns[number], feather_px)
        part = self._within(window)
        numbers = self._numbers[part]
        seen: _Bools = numbers == number
        shares = seen.astype(np.float32)
        if feather_px >= 1:
            is_anothers = (numbers > 0) & ~seen
            is_ring = self._canvas.is_panorama and window.width_px == self._canvas.width_px
            soft = _feathered(seen, feather_px * self._density, is_ring=is_ring)
            shares = np.where(is_anothers, 0, np.maximum(shares, soft)).astype(np.float32)
        far = float(self._depths[part][seen].max())
        return Silhouette(
            window=window, coverage=Coverage(shares=shares, density=self._density), far=far
        )

    def cropped(self, silhouette: Silhouette, rectangle: Rectangle) -> Coverage:
        """Return what a region covers of a rectangle, instead of its window."""
        whole = np.zeros(self._numbers.shape, dtype=np.float32)
        whole[self._within(silhouette.window)] = silhouette.coverage.shares
        return Coverage(shares=whole[self._within(rectangle)], density=self._density)

    def _within(self, rectangle: Rectangle) -> tuple[slice, slice | _Places]:
        return _samples_of(rectangle, self._density, self._canvas)

    def _window(
        self, rows: tuple[int, int], columns: tuple[int, int], feather_px: int
    ) -> Rectangle:
        grid = self._canvas.grid_px
        sides = []
        for found in (rows, columns):
            start = int(found[0] / self._density)
            end = math.ceil((found[1] + 1) / self._density)
            around = feather_px + _CONTEXT_CELLS * grid
            short = _LEAST_WINDOW_CELLS * grid - (end - start) - 2 * around
            around += max(0, -(-short // 2))
            sides.append((start - around) // grid * grid)
            sides.append(-(-(end + around) // grid) * grid)
        top, bottom, left, right = sides
        height, width = self._canvas.height_px, self._canvas.width_px
        if self._canvas.is_panorama:
            left, right = _around(left, right, width)
        else:
            left, right = max(0, left), min(width, right)
        return Rectangle(
            row_init=max(0, top), row_end=min(height, bottom), col_init=left, col_end=right
        )


def _around(left: int, right: int, width: int) -> tuple[int, int]:
    """Return columns that begin on the canvas and may end beyond it; all of them at the most."""
    if right - left >= width:
        return 0, width
    return left % width, left % width + right - left


def _arcs(numbers: Ints) -> dict[int, tuple[int, int]]:
    """Return where the columns begin and end that each number above 0 takes of a ring.

    Shapes: (W, H), columns first. The last may be beyond the ring's end, where it begins again.
    """
    size = len(numbers)
    found = {}
    for number in np.unique(numbers[numbers > 0]).tolist():
        columns = np.flatnonzero((numbers == number).any(axis=1))
        gaps = np.diff(columns, append=columns[0] + size)
        widest = int(gaps.argmax())
        first = int(columns[(widest + 1) % len(columns)])
        found[number] = first, first + size - int(gaps[widest])
    return found


def _extents(numbers: Ints) -> dict[int, tuple[int, int]]:
    """Return the first and the last row in which each number above 0 is. Shapes: (H, W)."""
    shown, where = numbers.ravel(), np.arange(numbers.size) // numbers.shape[1]
    first, last = np.full((2, int(numbers.max(initial=0)) + 2), -1)  # the last of them for -1
    last[shown] = where  # of several the last one stays
    first[shown[::-1]] = where[::-1]
    found = np.flatnonzero(last[:-1] >= 0).tolist()
    return {number: (int(first[number]), int(last[number])) for number in found if number}


def density_of(canvas: Canvas) -> float:
    """Return how many samples a pixel of a canvas has along a side: 2, or less on a large one."""
    density = _MOST_DENSITY
    while density > _LEAST_DENSITY and math.prod(_size(canvas, density)) > _MOST_SAMPLES:
        density /= 2
    return density


def _size(canvas: Canvas, density: float) -> tuple[int, int]:
    """Return how many samples a canvas is high and wide."""
    return int(canvas.height_px * density), int(canvas.width_px * density)


def _samples_of(
    rectangle: Rectangle, density: float, canvas: Canvas
) -> tuple[slice, slice | _Places]:
    """Return the rows and columns of samples in a rectangle, which may go on at the left."""
    top, bottom, left, right = (int(side * density) for side in rectangle.bounds)
    if rectangle.col_end <= canvas.width_px:
        return slice(top, bottom), slice(left, right)
    return slice(top, bottom), np.arange(left, right) % int(canvas.width_px * density)


def left_free(canvas: Canvas, parts: Iterable[tuple[Rectangle, Coverage]]) -> Coverage:
    """Return what is covered of a canvas by none of the parts."""
    density = density_of(canvas)
    free = np.ones(_size(canvas, density), dtype=np.float32)
    for rectangle, coverage in parts:
        free[_samples_of(rectangle, density, canvas)] -= coverage.shares
    return Coverage(shares=np.clip(free, 0, 1), density=density)


def _feathered(seen: _Bools, feather: float, *, is_ring: bool = False) -> Shares:
    """Return how much each sample has of a soft edge that reaches some samples outwards.

    Of a ring it reaches over its ends.

    Shapes: (h, w) → (h, w), 1 at the edge.
    """
    if is_ring:
        reach = min(math.ceil(feather) + _FEATHER_STEPS, seen.shape[1])
        wider = np.concatenate([seen[:, -reach:], seen, seen[:, :reach]], axis=1)
        return _feathered(wider, feather)[:, reach:-reach]
    height, width = seen.shape
    step = max(1, min(int(feather) // _FEATHER_STEPS, height, width))
    padded = np.pad(seen, ((0, -height % step), (0, -width % step)))
    parts = padded.reshape(-1, step, padded.shape[1] // step, step)
    coarse: _Bools = np.logical_or.reduce(parts, axis=(1, 3))
    reach = int(np.ceil(feather / step))
    distance = np.minimum(_distances_to(coarse, reach) * step / feather, 1)
    soft: Shares = (0.5 + 0.5 * np.cos(np.pi * distance)).astype(np.float32)
    return soft.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]


def _distances_to(seen: _Bools, reach: int) -> Floats:
    """Return how far it is from each sample to the nearest that is seen; exact up to a reach.

    Shapes: (h, w) → (h, w).
    """
    height, width = seen.shape
    along = np.arange(width)
    far = 2.0 * (width + height)
    before = along - np.maximum.accumulate(np.where(seen, along, -far), axis=1)
    after = np.minimum.accumulate(np.where(seen, along, far + width)[:, ::-1], axis=1)[:, ::-1]
    squared = np.minimum(before, after - along) ** 2
    nearest = squared.copy()
    for rows in range(1, min(reach, height - 1) + 1):
        nearest[rows:] = np.minimum(nearest[rows:], squared[:-rows] + rows**2)
        nearest[:-rows] = np.minimum(nearest[:-rows], squared[rows:] + rows**2)
    distances: Floats = np.sqrt(nearest)
    return distances
