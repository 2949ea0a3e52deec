"""From triangles in the world to a rectangle on the canvas: plain arithmetic.

Letters in shapes: N points, T triangles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...contract import Rectangle
from .panorama import angles_of, around_arcs, extent_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

_TOUCHING = 1e-6  # of the frame: what reaches no further into it is outside


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """What a camera sees.

    Units: the frame's edges are in camera space, for a perspective camera at the distance 1; of a
    panorama they are angles, and near and far are lengths of rays.
    """

    world_to_camera: Floats  # (4, 4)
    left: float
    right: float
    bottom: float
    top: float
    near: float
    far: float
    is_perspective: bool
    """Whether all that is seen is seen from one point, as in a panorama too."""
    is_panorama: bool = False
    """Whether it sees all around: azimuths across, elevations up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A part of the frame, from 0 to 1, counted from its lower left corner.

    Of a panorama the right side may lie beyond 1, where it goes on at the left.
    """

    left: float
    right: float
    bottom: float
    top: float
    far: float = 0.0
    """How far from the camera the last is of what covers it; 0 where nothing in the scene does."""

    @property
    def area(self) -> float:
        """How much of the frame it is."""
        return (self.right - self.left) * (self.top - self.bottom)

    @classmethod
    def around(cls, parts: Iterable[Bounds | None], view: CameraView) -> Bounds | None:
        """Return what holds all the parts of a view, or None where there is none."""
        found = [part for part in parts if part is not None]
        if not found:
            return None
        left, right = min(part.left for part in found), max(part.right for part in found)
        if view.is_panorama:
            left, right = around_arcs([(part.left, part.right) for part in found])
        return cls(
            left=left,
            right=right,
            bottom=min(part.bottom for part in found),
            top=max(part.top for part in found),
            far=max(part.far for part in found),
        )


WHOLE_FRAME = Bounds(left=0.0, right=1.0, bottom=0.0, top=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """The picture to be made, whose sizes are multiples of the model's grid."""

    height_px: int
    width_px: int
    grid_px: int
    is_panorama: bool = False
    """Whether it shows what is all around the camera."""
    wrap: str = "none"
    """Which of its opposite edges are the same place, as a job has it."""

    @property
    def is_ring(self) -> tuple[bool, bool]:
        """Whether it goes on at the opposite edge along its rows, and along its columns."""
        return self.wrap in ("y", "both"), self.wrap in ("x", "both")


def nearest_multiple(value: float, stride: int) -> int:
    """Return the multiple of a number that is nearest, the upper one of two."""
    return int(np.floor(value / stride + 0.5)) * stride


def visible_bounds(view: CameraView, points: Floats, triangles: Ints) -> Bounds | None:
    """Return the part of the frame that triangles cover, or None where none is seen.

    Agrees with `bpy_extras.object_utils.world_to_camera_view`, and cuts at the frame's sides and
    at the planes where the camera's view begins and ends. A line is a triangle with two equal
    corners.

    Shapes: points (N, 3) in the world; triangles (T, 3), indices of points.
    """
    if view.is_panorama:
        return _bounds_around(view, points, triangles)
    seen = frame_coordinates(view, points)  # (N, 4)
    outside = np.stack([distance < 0 for distance in distances_inside(view, seen)])  # (6, N)
    codes = np.packbits(outside, axis=0)[0]  # (N,), a bit for each plane
    first, second, third = codes[triangles].T  # (T,) each
    is_whole = (first | second | third) == 0
    is_cut = ((first & second & third) == 0) & ~is_whole
    in_whole = np.zeros(len(seen), dtype=bool)
    in_whole[triangles[is_whole]] = True
    corners = seen[triangles[is_cut]]  # (T', 3, 4)
    for plane in range(len(outside)):
        corners = cut_at(corners, distances_inside(view, corners)[plane])
    found = np.concatenate([seen[in_whole], corners.reshape(-1, 4)])
    if not len(found):
        return None
    shares = found[:, :2] / found[:, 2:3]  # from 0 to 1
    left, bottom = shares.min(axis=0)
    right, top = shares.max(axis=0)
    bounds = in_frame(float(left), float(right), float(bottom), float(top))
    return bounds and replace(bounds, far=float(found[:, 3].max()))


def _bounds_around(view: CameraView, points: Floats, triangles: Ints) -> Bounds | None:
    """Return the part of a panorama that triangles cover, without those too near or too far."""
    local = _in_camera_space(view, points)
    distances = np.linalg.norm(local, axis=1)[triangles]  # (T, 3)
    seen = (distances >= view.near).any(axis=1) & (distances <= view.far).any(axis=1)
    found = extent_of(local, triangles[seen])
    if found is None:
        return None
    (left, right), low, high = found
    bottom, top = low / np.pi + 0.5, high / np.pi + 0.5
    far = float(distances[seen].max())
    return Bounds(left=left, right=right, bottom=bottom, top=top, far=far)


def in_frame(
    left: float,
    right: float,
    bottom: float,
    top: float,
    *,
    is_ring: tuple[bool, bool] = (False, False),
) -> Bounds | None:
    """Return the part of a rectangle that is in the frame, or None where it does not reach in.

    Along rows or columns that are a ring it may lie anywhere.
    """
    rows, columns = is_ring
    if not columns:
        if min(right, 1 - left) <= _TOUCHING:
            return None
        left, right = max(left, 0.0), min(right, 1.0)
    if not rows:
        if min(top, 1 - bottom) <= _TOUCHING:
            return None
        bottom, top = max(bottom, 0.0), min(top, 1.0)
    return Bounds(left=left, right=right, bottom=bottom, top=top)


def on_canvas(bounds: Bounds, canvas: Canvas) -> Rectangle:
    """Return the nearest rectangle on the canvas's grid, at least one cell in size.

    Where the canvas goes on at the opposite edge, so does what lies beyond the frame.
    """
    rows, columns = (_snapped_around if is_ring else _snapped for is_ring in canvas.is_ring)
    grid_px = canvas.grid_px
    row_init, row_end = rows(1 - bounds.top, 1 - bounds.bottom, canvas.height_px, grid_px)
    col_init, col_end = columns(bounds.left, bounds.right, canvas.width_px, grid_px)
    return Rectangle(row_init=row_init, row_end=row_end, col_init=col_init, col_end=col_end)


def _snapped(start: float, end: float, size_px: int, stride: int) -> tuple[int, int]:
    first = min(max(nearest_multiple(start * size_px, stride), 0), size_px)
    last = min(max(nearest_multiple(end * size_px, stride), 0), size_px)
    if first == last:
        middle = (start + end) / 2 * size_px
        first = min(int(middle // stride) * stride, size_px - stride)
        last = first + stride
    return first, last


def _snapped_around(start: float, end: float, size_px: int, stride: int) -> tuple[int, int]:
    first, last = (nearest_multiple(side * size_px, stride) for side in (start, end))
    if first == last:
        first = int((start + end) / 2 * size_px // stride) * stride
        last = first + stride
    if last - first >= size_px:
        return 0, size_px
    return first % size_px, first % size_px + last - first


def frame_coordinates(view: CameraView, points: Floats) -> Floats:
    """Return a, b, w, depth of each point, all linear: a / w and b / w are 0 to 1 in the frame.

    Of a panorama they are no more linear between points, and the depth is the distance.

    Shapes: points (N, 3) → (N, 4).
    """
    local = _in_camera_space(view, points)
    if view.is_panorama:
        across, up = (angle / (2 * np.pi) for angle in angles_of(local))
        distance = np.linalg.norm(local, axis=1)
        return np.stack([across + 0.5, 2 * up + 0.5, np.ones_like(distance), distance], axis=1)
    depth = -local[:, 2]
    w = depth if view.is_perspective else np.ones_like(depth)
    a = (local[:, 0] - view.left * w) / (view.right - view.left)
    b = (local[:, 1] - view.bottom * w) / (view.top - view.bottom)
    return np.stack([a, b, w, depth], axis=1)


def _in_camera_space(view: CameraView, points: Floats) -> Floats:
    local: Floats = points @ view.world_to_camera[:3, :3].T + view.world_to_camera[:3, 3]
    return local  # (N, 3)


def distances_inside(view: CameraView, seen: Floats) -> tuple[Floats, ...]:
    """Return how far points are inside each plane that bounds the view, in units of its own.

    Shapes: (..., 4) from `frame_coordinates` → six of (...).
    """
    a, b, w, depth = (seen[..., axis] for axis in range(4))
    return depth - view.near, view.far - depth, a, w - a, b, w - b


def cut_at(corners: Floats, distances: Floats) -> Floats:
    """Return the triangles cut at a plane, those parts that are on its positive side.

    Shapes: corners (T, 3, 4), distances (T, 3) → (T', 3, 4).
    """
    inside = distances >= 0
    if inside.all():
        return corners
    count = inside.sum(axis=1)
    kept = [corners[count == 3]]
    for number in (1, 2):
        chosen = count == number
        # The odd one of the three corners comes first, the other two keep their turn.
        odd = np.argmax(inside[chosen] == (number == 1), axis=1)
        turn = (odd[:, None] + np.arange(3)) % 3
        c = np.take_along_axis(corners[chosen], turn[..., None], axis=1)
        d = np.take_along_axis(distances[chosen], turn, axis=1)
        share = d[:, :1] / (d[:, :1] - d[:, 1:])  # (T, 2), where the two edges meet the plane
        met = c[:, :1] + share[..., None] * (c[:, 1:] - c[:, :1])  # (T, 2, 4)
        if number == 1:
            kept.append(np.stack([c[:, 0], met[:, 0], met[:, 1]], axis=1))
        else:
            kept.append(np.stack([met[:, 0], c[:, 1], c[:, 2]], axis=1))
            kept.append(np.stack([met[:, 0], c[:, 2], met[:, 1]], axis=1))
    return np.concatenate(kept)
