"""The scene's camera and the canvas that it looks at."""

from __future__ import annotations

import math
from typing import Any, cast

import bpy
import numpy as np

from ...contract import EngineError, ModelFacts
from ...properties import canvas_settings
from ..model_facts import model_facts
from .projection import WHOLE_FRAME, Bounds, CameraView, Canvas, nearest_multiple

# The side of a square of as many pixels, in sides of the largest region that a model generates.
_SIDES_OF_SIZES = {"draft": 1.0, "good": 1.5}


def _frame_px(scene: bpy.types.Scene) -> tuple[int, int]:
    """Return the width and height of the whole frame, as Blender rounds them."""
    render = scene.render
    percent = render.resolution_percentage
    return render.resolution_x * percent // 100, render.resolution_y * percent // 100


def border_of(scene: bpy.types.Scene) -> Bounds:
    """Return the part of the frame that the picture shows.

    The render region, where the render is cropped to it; else the whole frame, as the render then
    keeps the whole frame's size.
    """
    render = scene.render
    if not (render.use_border and render.use_crop_to_border):
        return WHOLE_FRAME
    width_px, height_px = (max(1, size) for size in _frame_px(scene))
    # Whole pixels, rounded down as the render does.
    left, right = (int(edge * width_px) for edge in (render.border_min_x, render.border_max_x))
    bottom, top = (int(edge * height_px) for edge in (render.border_min_y, render.border_max_y))
    return Bounds(
        left=left / width_px,
        right=max(right, left + 1) / width_px,
        bottom=bottom / height_px,
        top=max(top, bottom + 1) / height_px,
    )


def render_size_px(scene: bpy.types.Scene) -> tuple[int, int]:
    """Return the width and height of a render."""
    width_px, height_px = (max(1, size) for size in _frame_px(scene))
    border = border_of(scene)
    width, height = border.right - border.left, border.top - border.bottom
    return round(width_px * width), round(height_px * height)


def canvas_of(scene: bpy.types.Scene, facts: ModelFacts | None = None) -> Canvas:
    """Return the canvas of a scene for its model, or for another.

    It has the render's size, or the render's shape in a size that suits the model.
    """
    facts = facts or model_facts(scene)
    grid_px = facts.grid_px
    width_px, height_px = _frame_px(scene)
    border = border_of(scene)
    height = height_px * (border.top - border.bottom)
    width = width_px * (border.right - border.left)
    side = _SIDES_OF_SIZES.get(canvas_settings(scene).canvas_size)
    if side is not None:
        scale = side * facts.largest_px / math.sqrt(height * width)
        height, width = height * scale, width * scale
    height_px, width_px = (
        max(grid_px, nearest_multiple(size, grid_px)) for size in (height, width)
    )
    return Canvas(height_px=height_px, width_px=width_px, grid_px=grid_px)


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
    corners = cast(Any, data).view_frame(scene=scene)  # right top first, clockwise
    frame = np.array(corners)  # (4, 3)
    if is_perspective:
        frame = frame / -frame[:, 2:]
    (left, bottom), (right, top) = frame[:, :2].min(axis=0), frame[:, :2].max(axis=0)
    border = border_of(scene)
    return CameraView(
        # As the render does, without the camera object's own scale.
        world_to_camera=np.array(camera.matrix_world.normalized().inverted()),
        left=float(left + (right - left) * border.left),
        right=float(left + (right - left) * border.right),
        bottom=float(bottom + (top - bottom) * border.bottom),
        top=float(bottom + (top - bottom) * border.top),
        near=data.clip_start,
        far=data.clip_end,
        is_perspective=is_perspective,
    )
