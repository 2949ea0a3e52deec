"""From triangles in the world to what a camera sees at each sample of its frame: plain arithmetic.

Samples lie in the middles of equal cells of the frame; triangles that share an edge share no sample
and leave none out.

Letters in shapes: N points, T triangles, S scanlines of triangles, F samples of triangles, H W of
the frame in samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .projection import CameraView, Floats, Ints, cut_at, distances_inside, frame_coordinates

_TRIANGLES_AT_ONCE = 2**13
_LARGE = 4096  # samples in a triangle's rectangle: from here on it is quicker alone
_SLIVER = 1e-6  # squares of a sample's side
_NOTHING = np.float32(-np.inf)
_Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnFrame:
    """Points on the frame, in samples from its upper left corner, and how near they are.

    Shapes: (N,) each.
    """

    x: Floats
    y: Floats
    nearness: Floats
    """What is nearer to the camera has more, and it changes evenly over the frame."""


class DepthBuffer:
    """What is nearest at each sample of a camera's frame."""

    def __init__(self, view: CameraView, height: int, width: int) -> None:
        self._view = view
        self.height, self.width = height, width
        self._nearness = np.full(height * width, _NOTHING, dtype=np.float32)
        self._owners = np.full(height * width, -1, dtype=np.int32)

    def copy(self) -> DepthBuffer:
        """Return another one with the same in it."""
        other = DepthBuffer(self._view, self.height, self.width)
        other._nearness[:], other._owners[:] = self._nearness, self._owners
        return other

    @property
    def owners(self) -> Ints:
        """The number of what is nearest, -1 where nothing is; (H, W), first row at the top."""
        return self._owners.reshape(self.height, self.width)

    @property
    def depths(self) -> Floats:
        """How far before the camera the nearest is, infinite where nothing is; (H, W)."""
        nearness = self._nearness.astype(np.float64).reshape(self.height, self.width)
        if not self._view.is_perspective:
            return -nearness
        with np.errstate(divide="ignore"):
            return np.where(np.isfinite(nearness), 1 / nearness, np.inf)

    def draw(self, points: Floats, triangles: Ints, numbers: Ints) -> None:
        """Draw triangles, whichever way they are turned.

        Shapes: points (N, 3) in the world; triangles (T, 3), indices of points; numbers (T,) of
        what they belong to, from 0.
        """
        seen = frame_coordinates(self._view, points)  # (N, 4)
        begins, ends, *_ = distances_inside(self._view, seen)
        outside = ~((begins >= 0) & (ends >= 0))  # where a number is none, too
        if outside.any():
            is_cut = outside[triangles].any(axis=1)
            self._draw_cut(seen, triangles[is_cut], numbers[is_cut])
            triangles, numbers = triangles[~is_cut], numbers[~is_cut]
            seen[outside, 2] = 1.0  # no triangle's, and no division by nothing
        self._draw_seen(seen, triangles, numbers)

    def _draw_cut(self, seen: Floats, triangles: Ints, numbers: Ints) -> None:
        """Draw what of triangles lies between the planes where the view begins and ends."""
        corners = seen[triangles]  # (T, 3, 4)
        own = np.repeat(numbers.astype(np.float64)[:, None, None], 3, axis=1)
        corners = np.concatenate([corners, own], axis=2)  # (T, 3, 5), each with its number
        corners = corners[np.isfinite(corners).all(axis=(1, 2))]
        for plane in (0, 1):
            corners = cut_at(corners, distances_inside(self._view, corners)[plane])
        indices = np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)
        numbers = corners[:, 0, 4].astype(np.int32)
        self._draw_seen(corners[..., :4].reshape(-1, 4), indices, numbers)

    def _draw_seen(self, seen: Floats, triangles: Ints, numbers: Ints) -> None:
        a, b, w, depth = seen.T
        nearness = 1 / w if self._view.is_perspective else -depth
        on_frame = _OnFrame(x=a / w * self.width, y=(1 - b / w) * self.height, nearness=nearness)
        columns = _first_after(on_frame.x, self.width)
        rows = _first_after(on_frame.y, self.height)
        for first in range(0, len(triangles), _TRIANGLES_AT_ONCE):
            some = slice(first, first + _TRIANGLES_AT_ONCE)
            corners = triangles[some]
            kept, large = _those_with_samples(corners, columns, rows)
            self._fill(_Planes.of(on_frame, corners[kept], rows), numbers[some][kept])
            planes = _Planes.of(on_frame, corners[large], rows)
            for index, number in enumerate(numbers[some][large]):
                self._fill_large(planes, index, int(number))

    def _fill(self, planes: _Planes, numbers: Ints) -> None:
        """Fill triangles sample by sample."""
        lines = _Lines.of(planes, self.width)
        lengths = lines.ends - lines.starts
        of_line = np.repeat(np.arange(len(lengths)), lengths)  # (F,)
        since = np.arange(len(of_line)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        columns = lines.starts[of_line] + since
        places = lines.rows[of_line] * self.width + columns
        triangle = lines.triangles[of_line]
        nearness = (lines.nearness[of_line] + planes.across[triangle] * (columns + 0.5)).astype(
            np.float32
        )
        self._keep_nearest(places, nearness, numbers[triangle])

    def _keep_nearest(self, places: Ints, nearness: NDArray[np.float32], numbers: Ints) -> None:
        """Keep what is nearer than what is there; of several at one place, the nearest."""
        is_nearer = nearness > self._nearness[places]
        while is_nearer.any():
            places, nearness, numbers = places[is_nearer], nearness[is_nearer], numbers[is_nearer]
            self._nearness[places] = nearness  # the last one of each place
            self._owners[places] = numbers
            is_nearer = nearness > self._nearness[places]

    def _fill_large(self, planes: _Planes, index: int, number: int) -> None:
        """Fill one triangle line by line."""
        lines = _Lines.of(planes.only(index), self.width)
        if not len(lines.rows):
            return
        top, left, right = int(lines.rows[0]), int(lines.starts.min()), int(lines.ends.max())
        block = (slice(top, top + len(lines.rows)), slice(left, right))
        columns = np.arange(left, right)
        nearness = lines.nearness[:, None] + planes.across[index] * (columns + 0.5)
        nearness = nearness.astype(np.float32)
        there = self._nearness.reshape(self.height, self.width)[block]
        is_nearer = (columns >= lines.starts[:, None]) & (columns < lines.ends[:, None])
        is_nearer &= nearness > there
        there[is_nearer] = nearness[is_nearer]
        self.owners[block][is_nearer] = number


def _first_after(along: Floats, size: int) -> Ints:
    """Return the first sample along an axis whose middle is no less, within the frame.

    Shapes: (N,) → (N,), from 0 to `size`.
    """
    found: Ints = np.ceil(np.clip(along - 0.5, 0, size)).astype(np.int32)
    return found


def _those_with_samples(corners: Ints, columns: Ints, rows: Ints) -> tuple[_Bools, _Bools]:
    """Return which triangles have samples in their rectangles: few of them, and many.

    Shapes: corners (T, 3); columns, rows (N,) → two of (T,).
    """
    wide, high = (
        np.maximum(np.maximum(a, b), c) - np.minimum(np.minimum(a, b), c)
        for a, b, c in (tuple(along[corners[:, k]] for k in range(3)) for along in (columns, rows))
    )
    samples = wide * high.astype(np.int64)
    is_large = samples >= _LARGE
    return (samples > 0) & ~is_large, is_large


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planes:
    """Triangles on the frame, their corners from the upmost down.

    Shapes: x, y (T, 3); all others (T,).
    """

    x: Floats
    y: Floats
    top: Ints
    bottom: Ints
    """The rows of samples that it reaches over, the last one not."""
    across: Floats
    down: Floats
    """By how much the nearness changes from a sample to the next one."""
    at_origin: Floats
    """The nearness that the plane has in the frame's upper left corner."""

    @classmethod
    def of(cls, on_frame: _OnFrame, corners: Ints, rows: Ints) -> _Planes:
        order = np.argsort(on_frame.y[corners], axis=1)
        corners = np.take_along_axis(corners, order, axis=1)
        x, y, q = (along[corners] for along in (on_frame.x, on_frame.y, on_frame.nearness))
        dx, dy, dq = x[:, 1:] - x[:, :1], y[:, 1:] - y[:, :1], q[:, 1:] - q[:, :1]  # (T, 2)
        area = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
        area[np.abs(area) < _SLIVER] = np.inf  # whose plane says nothing
        across = (dq[:, 0] * dy[:, 1] - dq[:, 1] * dy[:, 0]) / area
        down = (dx[:, 0] * dq[:, 1] - dx[:, 1] * dq[:, 0]) / area
        return cls(
            x=x,
            y=y,
            top=rows[corners[:, 0]],
            bottom=rows[corners[:, 2]],
            across=across,
            down=down,
            at_origin=q[:, 0] - across * x[:, 0] - down * y[:, 0],
        )

    def only(self, index: int) -> _Planes:
        one = slice(index, index + 1)
        return _Planes(
            x=self.x[one],
            y=self.y[one],
            top=self.top[one],
            bottom=self.bottom[one],
            across=self.across[one],
            down=self.down[one],
            at_origin=self.at_origin[one],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """The rows of samples in triangles. Shapes: (S,) each."""

    triangles: Ints
    rows: Ints
    starts: Ints
    ends: Ints
    nearness: Floats
    """What the triangle's plane has at the left end of the row."""

    @classmethod
    def of(cls, planes: _Planes, width: int) -> _Lines:
        counts = np.maximum(planes.bottom - planes.top, 0)
        triangles = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        since = np.arange(len(triangles)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = planes.top[triangles] + since
        middle = rows + 0.5
        x, y = planes.x, planes.y
        # A level edge crosses no row, and has no slope.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slopes = [(x[:, b] - x[:, a]) / (y[:, b] - y[:, a]) for a, b in _EDGES]
            long, upper, lower = (
                x[triangles, a] + slope[triangles] * (middle - y[triangles, a])
                for slope, (a, _) in zip(slopes, _EDGES, strict=True)
            )
        short = np.where(middle < y[triangles, 1], upper, lower)
        starts = _first_after(np.minimum(long, short), width)
        ends = _first_after(np.maximum(long, short), width)
        return cls(
            triangles=triangles,
            rows=rows,
            starts=starts,
            ends=np.maximum(starts, ends),
            nearness=planes.at_origin[triangles] + planes.down[triangles] * middle,
        )


_EDGES = ((0, 2), (0, 1), (1, 2))
"""The corners of the long edge, of the upper and of the lower one."""
