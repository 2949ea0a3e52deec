"""Where in a viewport the camera's frame stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...job.regions.camera import frame_view_of, view_of
from ...job.regions.projection import CameraView, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The camera's frame in a viewport.

    Units: pixels of the viewport, from its lower left corner.
    """

    left: float
    bottom: float
    width: float
    height: float


def frame_of(view: CameraView, to_clip: Floats, width_px: int, height_px: int) -> Frame:
    """Return where the frame of a camera stands in a viewport that looks through it.

    Shapes: to_clip (4, 4), from the world to the viewport's clip space.
    """
    sides = ((view.left, view.bottom), (view.right, view.top))
    corners = np.array([(x, y, -1.0, 1.0) for x, y in sides])  # (2, 4), in camera space
    seen = corners @ np.linalg.inv(view.world_to_camera).T @ to_clip.T  # (2, 4)
    shares = seen[:, :2] / seen[:, 3:] / 2 + 0.5
    (left, bottom), (right, top) = (shares * (width_px, height_px)).tolist()
    return Frame(left=left, bottom=bottom, width=right - left, height=top - bottom)


def frame_in(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, region: Any, view3d: Any
) -> Frame:
    """Return where the frame of a scene's camera stands in a viewport that looks through it.

    A panorama lies in it as a map, twice as wide as high.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    to_clip = np.array(view3d.perspective_matrix)
    if not view_of(scene, depsgraph).is_panorama:
        return frame_of(view_of(scene, depsgraph), to_clip, region.width, region.height)
    whole = frame_of(frame_view_of(scene, depsgraph), to_clip, region.width, region.height)
    width = min(whole.width, 2 * whole.height)
    return Frame(
        left=whole.left + (whole.width - width) / 2,
        bottom=whole.bottom + (whole.height - width / 2) / 2,
        width=width,
        height=width / 2,
    )
