"""The scene's camera and the canvas that it looks at."""

from __future__ import annotations

from typing import Any, cast

import bpy
import numpy as np

from ..contract import DEFAULT_STRIDE_PX, EngineError
from .projection import CameraView, Canvas, nearest_multiple


def canvas_of(scene: bpy.types.Scene, stride_px: int = DEFAULT_STRIDE_PX) -> Canvas:
    """Return the canvas that a scene's render size stands for, on the grid of the stride."""
    render = scene.render
    share = render.resolution_percentage / 100
    sizes = (render.resolution_y * share, render.resolution_x * share)
    height_px, width_px = (max(stride_px, nearest_multiple(size, stride_px)) for size in sizes)
    return Canvas(height_px=height_px, width_px=width_px, stride_px=stride_px)


def find_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """Return the scene's camera.

    Raises: EngineError of kind `job` where there is none whose view is flat.
    """
    camera = scene.camera
    if camera is None:
        raise EngineError(
            f"the scene {scene.name!r} has no camera",
            kind="job",
            advice="add one (Add > Camera), or choose one in the scene's properties",
        )
    if not isinstance(camera.data, bpy.types.Camera) or camera.data.type not in ("PERSP", "ORTHO"):
        raise EngineError(
            f"the camera {camera.name!r} is neither perspective nor orthographic",
            kind="job",
            advice="choose one of the two as its lens type, or choose another camera",
        )
    return camera


def view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView:
    """Return what the scene's camera sees.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    camera = find_camera(scene).evaluated_get(depsgraph)
    data = camera.data
    assert isinstance(data, bpy.types.Camera)
    is_perspective = data.type == "PERSP"
    frame = np.array(
        cast(Any, data).view_frame(scene=scene)
    )  # (4, 3), right top corner first, clockwise
    if is_perspective:
        frame = frame / -frame[:, 2:]
    return CameraView(
        # As the render does, without the camera object's own scale.
        world_to_camera=np.array(camera.matrix_world.normalized().inverted()),
        left=float(frame[:, 0].min()),
        right=float(frame[:, 0].max()),
        bottom=float(frame[:, 1].min()),
        top=float(frame[:, 1].max()),
        near=data.clip_start,
        is_perspective=is_perspective,
    )
