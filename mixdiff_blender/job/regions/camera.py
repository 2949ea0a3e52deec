"""The scene's camera and the canvas that it looks at."""

from __future__ import annotations

import math
from typing import Any, cast

import bpy
import numpy as np

from ...contract import EngineError, ModelFacts
from ...properties import LOOK_AROUND, canvas_settings
from ..model_facts import model_facts
from .projection import WHOLE_FRAME, Bounds, CameraView, Canvas, Floats, nearest_multiple

# The side of a square of as many pixels, in sides of the largest region that a model generates.
_SIDES_OF_SIZES = {"draft": 1.0, "good": 1.5}
_NEARLY = 1e-5


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


def is_panorama(scene: bpy.types.Scene) -> bool:
    """Return whether a scene's picture shows all around, instead of a frame."""
    data = scene.camera.data if scene.camera else None
    is_panoramic = isinstance(data, bpy.types.Camera) and data.type == "PANO"
    return is_panoramic or canvas_settings(scene).look == LOOK_AROUND


def render_size_px(scene: bpy.types.Scene) -> tuple[int, int]:
    """Return the width and height of a render."""
    width_px, height_px = (max(1, size) for size in _frame_px(scene))
    border = border_of(scene)
    width, height = border.right - border.left, border.top - border.bottom
    return round(width_px * width), round(height_px * height)


def canvas_of(scene: bpy.types.Scene, facts: ModelFacts | None = None) -> Canvas:
    """Return the canvas of a scene for its model, or for another.

    It has the render's size, or the render's shape in a size that suits the model; a panorama is
    twice as wide as high.
    """
    facts = facts or model_facts(scene)
    grid_px = facts.grid_px
    width_px, height_px = _frame_px(scene)
    is_around = is_panorama(scene)
    border = WHOLE_FRAME if is_around else border_of(scene)
    if is_around:
        height_px = width_px // 2
    height = height_px * (border.top - border.bottom)
    width = width_px * (border.right - border.left)
    side = _SIDES_OF_SIZES.get(canvas_settings(scene).canvas_size)
    if side is not None:
        scale = side * facts.largest_px / math.sqrt(height * width)
        height, width = height * scale, width * scale
    height_px, width_px = (
        max(grid_px, nearest_multiple(size, grid_px)) for size in (height, width)
    )
    if is_around:
        width_px = 2 * height_px
    wrap = "x" if is_around else canvas_settings(scene).wrap
    return Canvas(
        height_px=height_px, width_px=width_px, grid_px=grid_px, is_panorama=is_around, wrap=wrap
    )


def find_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """Return the scene's camera.

    Raises: EngineError of kind `job` where there is none whose view is flat, or all around.
    """
    camera = scene.camera
    if camera is None:
        raise EngineError(
            f"the scene {scene.name!r} has no camera",
            kind="job",
            advice="add one (Add > Camera), or choose one in the scene's properties",
        )
    data = camera.data
    if not isinstance(data, bpy.types.Camera) or data.type not in ("PERSP", "ORTHO", "PANO"):
        raise EngineError(
            f"the camera {camera.name!r} is neither perspective, orthographic nor panoramic",
            kind="job",
            advice="choose one of the three as its lens type, or choose another camera",
        )
    if data.type == "PANO" and not _sees_all_around(data):
        raise EngineError(
            f"the panoramic camera {camera.name!r} does not see all around",
            kind="job",
            advice="choose Equirectangular as its panorama type, with latitudes from -90° to 90° "
            "and longitudes from -180° to 180°, or another lens type",
        )
    return camera


def _sees_all_around(data: Any) -> bool:
    whole = {"latitude_min": -0.5, "latitude_max": 0.5, "longitude_min": -1.0, "longitude_max": 1.0}
    return data.panorama_type == "EQUIRECTANGULAR" and all(
        abs(getattr(data, name) - share * math.pi) < _NEARLY for name, share in whole.items()
    )


def view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView:
    """Return what the scene's camera sees.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    camera = find_camera(scene).evaluated_get(depsgraph)
    data = camera.data
    assert isinstance(data, bpy.types.Camera)
    if is_panorama(scene):
        return CameraView(
            world_to_camera=_upright(camera) if data.type != "PANO" else _seen_from(camera),
            **{"left": -math.pi, "right": math.pi, "bottom": -math.pi / 2, "top": math.pi / 2},
            near=data.clip_start,
            far=data.clip_end,
            is_perspective=True,
            is_panorama=True,
        )
    return frame_view_of(scene, depsgraph)


def rendered_view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView:
    """Return what renders show of a scene, whatever its pictures look at.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    camera: Any = find_camera(scene)
    look = view_of if camera.data.type == "PANO" else frame_view_of
    return look(scene, depsgraph)


def frame_view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView:
    """Return what the frame of the scene's camera shows, also of one that is panoramic.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    camera = find_camera(scene).evaluated_get(depsgraph)
    data = camera.data
    assert isinstance(data, bpy.types.Camera)
    is_perspective = data.type != "ORTHO"
    corners = cast(Any, data).view_frame(scene=scene)  # right top first, clockwise
    frame = np.array(corners)  # (4, 3)
    if is_perspective:
        frame = frame / -frame[:, 2:]
    (left, bottom), (right, top) = frame[:, :2].min(axis=0), frame[:, :2].max(axis=0)
    border = border_of(scene)
    return CameraView(
        world_to_camera=_seen_from(camera),
        left=float(left + (right - left) * border.left),
        right=float(left + (right - left) * border.right),
        bottom=float(bottom + (top - bottom) * border.bottom),
        top=float(bottom + (top - bottom) * border.top),
        near=data.clip_start,
        far=data.clip_end,
        is_perspective=is_perspective,
    )


def _seen_from(camera: bpy.types.Object) -> Floats:
    """Return the way into a camera's space: as the render does, without the object's own scale."""
    return np.array(camera.matrix_world.normalized().inverted())


def _upright(camera: bpy.types.Object) -> Floats:
    """Return the way into the space of a camera at the same place, held upright and level."""
    turned = np.array(camera.matrix_world.normalized())
    ahead = -turned[:3, 2] * (1, 1, 0)
    if np.linalg.norm(ahead) < _NEARLY:  # it looks straight up or down: its own up is ahead
        ahead = turned[:3, 1] * (1, 1, 0)
    back = -ahead / np.linalg.norm(ahead)
    up = np.array([0.0, 0.0, 1.0])
    turned[:3, :3] = np.stack([np.cross(up, back), up, back], axis=1)
    found: Floats = np.linalg.inv(turned)
    return found
