"""Points of a scene as a camera sees them, and the rectangle of the canvas that they cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Edges = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a camera frames, in its own space: a rectangle at a depth.

    For a perspective camera the sides are those at depth 1; for an orthographic one they hold at
    any depth. `near` is where the camera begins to see, as a depth.
    """

    left: float
    right: float
    bottom: float
    top: float
    near: float
    is_perspective: bool

    @classmethod
    def of(cls, camera: Any, scene: Any) -> Frame:
        """Return the frame of a camera datablock at a scene's resolution, shifts included."""
        corners = [tuple(corner) for corner in camera.view_frame(scene=scene)]
        is_perspective = camera.type == "PERSP"
        depth = -corners[0][2] if is_perspective else 1.0
        across = [corner[0] / depth for corner in corners]
        up = [corner[1] / depth for corner in corners]
        return cls(
            left=min(across),
            right=max(across),
            bottom=min(up),
            top=max(up),
            near=camera.clip_start,
            is_perspective=is_perspective,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A part of the frame: from 0 to 1 in both directions, counted from the left and the top."""

    left: float
    right: float
    top: float
    bottom: float


def clipped_to_front(points: Points, edges: Edges, near: float) -> Points:
    """Return the points before the near plane, and where edges cross it.

    Shapes: points (N, 3) in camera space, looking along -z; edges (M, 2); result (K, 3).
    """
    depth = -points[:, 2]
    visible = depth >= near
    crossing = edges[visible[edges[:, 0]] != visible[edges[:, 1]]] if len(edges) else edges
    if not len(crossing):
        return points[visible]
    start, end = points[crossing[:, 0]], points[crossing[:, 1]]
    share = (near + start[:, 2]) / (start[:, 2] - end[:, 2])  # of the way from start to end
    return np.concatenate([points[visible], start + share[:, None] * (end - start)])


def extent_of(points: Points, edges: Edges, frame: Frame) -> Extent | None:
    """Return the part of the frame that a mesh covers, None where the camera does not see it.

    Shapes: points (N, 3) in camera space; edges (M, 2).
    """
    seen = clipped_to_front(points, edges, frame.near)
    if not len(seen):
        return None
    scale = -seen[:, 2] if frame.is_perspective else np.ones(len(seen))
    across = (seen[:, 0] / scale - frame.left) / (frame.right - frame.left)
    down = (frame.top - seen[:, 1] / scale) / (frame.top - frame.bottom)
    extent = Extent(
        left=max(0.0, float(across.min())),
        right=min(1.0, float(across.max())),
        top=max(0.0, float(down.min())),
        bottom=min(1.0, float(down.max())),
    )
    is_outside = extent.left >= extent.right or extent.top >= extent.bottom
    return None if is_outside else extent


def _snapped(start: float, end: float, size_px: int, stride_px: int) -> tuple[int, int]:
    cells = size_px // stride_px
    first = min(int(start * cells + 0.5), cells - 1)
    last = max(int(end * cells + 0.5), first + 1)
    return first * stride_px, last * stride_px


def rectangle_of(extent: Extent, height_px: int, width_px: int, stride_px: int) -> dict[str, int]:
    """Return a part of the frame as a job's rectangle: to the nearest cells, at least one."""
    top, bottom = _snapped(extent.top, extent.bottom, height_px, stride_px)
    left, right = _snapped(extent.left, extent.right, width_px, stride_px)
    return {"row_init": top, "row_end": bottom, "col_init": left, "col_end": right}


def canvas_size(resolution: Sequence[int], percentage: int, stride_px: int) -> tuple[int, int]:
    """Return the canvas's height and width: the render's, to the nearest multiple of the stride."""
    width, height = (
        max(1, round(side * percentage / 100 / stride_px)) * stride_px for side in resolution
    )
    return height, width
