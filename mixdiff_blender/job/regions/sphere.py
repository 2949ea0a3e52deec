"""What a camera sees all around: six frames, the sides of a cube, looked up by direction."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .panorama import Floats, Ints, directions
from .projection import CameraView
from .rasteriser import DepthBuffer

_FINENESS = 0.5  # samples along a side of the cube, of those along the panorama: half as wide each
_Places = NDArray[np.intp]

# Where each side looks, and what is to its right and up, in camera space.
_AHEAD, _RIGHT, _UP = np.array([0, 0, -1.0]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
_SIDES = np.array(
    [
        [_RIGHT, _UP, -_AHEAD],
        [_AHEAD, _UP, _RIGHT],
        [-_RIGHT, _UP, _AHEAD],
        [-_AHEAD, _UP, -_RIGHT],
        [_RIGHT, -_AHEAD, -_UP],
        [_RIGHT, _AHEAD, _UP],
    ]
)
"""The axes of each side as rows: right, up and back; (6, 3, 3)."""


class SphereBuffer:
    """What is nearest in each direction from a camera; as a `DepthBuffer`, but of a panorama."""

    def __init__(self, view: CameraView, height: int, width: int) -> None:
        self._view = view
        self.height, self.width = height, width
        side = max(8, int(width * _FINENESS))
        self._sides = tuple(DepthBuffer(_view_of_side(view, axes), side, side) for axes in _SIDES)
        self._look = _lookup(height, width, side)

    def copy(self) -> SphereBuffer:
        """Return another one with the same in it."""
        other = SphereBuffer(self._view, self.height, self.width)
        other._sides = tuple(one.copy() for one in self._sides)
        return other

    @property
    def owners(self) -> Ints:
        """The number of what is nearest, -1 where nothing is; (H, W), first row at the top."""
        found: Ints = np.stack([one.owners for one in self._sides])[self._look]
        return np.where(np.isfinite(self.depths), found, np.int32(-1))

    @property
    def depths(self) -> Floats:
        """How far away the nearest is, infinite where nothing is; (H, W)."""
        depths = np.stack([one.depths * _lengths(one.width) for one in self._sides])
        found: Floats = depths[self._look]
        is_out = (found < self._view.near) | (found > self._view.far)
        return np.where(is_out, np.inf, found)

    def draw(self, points: Floats, triangles: Ints, numbers: Ints) -> None:
        """Draw triangles, whichever way they are turned.

        Shapes: points (N, 3) in the world; triangles (T, 3), indices of points; numbers (T,) of
        what they belong to, from 0.
        """
        for one in self._sides:
            one.draw(points, triangles, numbers)


Buffer = DepthBuffer | SphereBuffer


def depth_buffer(view: CameraView, height: int, width: int) -> Buffer:
    """Return what draws what a camera sees, nothing in it yet."""
    return (SphereBuffer if view.is_panorama else DepthBuffer)(view, height, width)


def _view_of_side(view: CameraView, axes: Floats) -> CameraView:
    turn = np.eye(4)
    turn[:3, :3] = axes
    return replace(
        view,
        left=-1.0,
        right=1.0,
        bottom=-1.0,
        top=1.0,
        world_to_camera=turn @ view.world_to_camera,
        near=view.near / np.sqrt(3),  # what is that far before the side is nearer in its corners
        is_panorama=False,
    )


@lru_cache(maxsize=4)
def _lengths(side: int) -> Floats:
    """Return how long the rays of a side are that reach a depth of 1; (side, side)."""
    along = (np.arange(side) + 0.5) / side * 2 - 1
    found: Floats = np.sqrt(1 + along[:, None] ** 2 + along**2)
    return found


@lru_cache(maxsize=2)
def _lookup(height: int, width: int, side: int) -> tuple[_Places, _Places, _Places]:
    """Return the side, row and column that each sample of a panorama sees; (H, W) each."""
    turned = np.einsum("sij,hwj->shwi", _SIDES, directions(height, width))  # (6, H, W, 3)
    nearest = np.argmin(turned[..., 2], axis=0)  # what looks there most: −z is ahead
    x, y, z = np.moveaxis(np.take_along_axis(turned, nearest[None, ..., None], axis=0)[0], -1, 0)
    columns, rows = (
        np.clip(((1 + sign * value / -z) / 2 * side).astype(np.intp), 0, side - 1)
        for value, sign in ((x, 1), (y, -1))
    )
    return nearest, rows, columns
