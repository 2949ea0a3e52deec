"""The rectangles that were drawn before a scene's camera, and placing them anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ...contract import Rectangle
from ...properties import canvas_settings, region_settings
from .camera import canvas_of, view_of
from .helper_planes import bounds_on, placement_of
from .projection import Bounds, CameraView, Canvas, Floats, in_frame
from .sphere_patches import fill_patch, is_patch, patch_bounds

_SLANT = 1e-4  # of a rectangle's longer side: what is less is none


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRectangle:
    """A helper plane that stands upright before the camera and moves with it.

    Of a panorama it is a part of a sphere around the camera.
    """

    object: bpy.types.Object
    bounds: Bounds
    """The part of the frame that it fills; where the canvas wraps, it may lie beyond."""
    depth: float
    """How far before the camera it stands, in Blender's units."""

    def on(self, canvas: Canvas) -> Rectangle:
        """Return it in the nearest whole pixels of a canvas."""
        height_px, width_px = canvas.height_px, canvas.width_px
        return Rectangle(
            row_init=round((1 - self.bounds.top) * height_px),
            row_end=round((1 - self.bounds.bottom) * height_px),
            col_init=round(self.bounds.left * width_px),
            col_end=round(self.bounds.right * width_px),
        )


def drawn_rectangles(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph
) -> list[DrawnRectangle]:
    """Return those that can be grabbed: the nearest first, of equally near ones the smallest.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    layer: Any = depsgraph.view_layer
    view, is_ring = view_of(scene, depsgraph), canvas_of(scene).is_ring
    listed = (entry.object for entry in canvas_settings(scene).regions)
    shown = (obj for obj in listed if obj and not obj.hide_select and obj.name in layer.objects)
    seen = (
        _rectangle(scene, depsgraph, view, obj, is_ring)
        for obj in shown
        if obj.visible_get(view_layer=layer)
    )
    return sorted(
        (one for one in seen if one is not None),
        key=lambda one: (round(one.depth, 3), one.bounds.area),
    )


def may_be_drawn(scene: bpy.types.Scene, obj: bpy.types.Object) -> bool:
    """Return, at once, whether an object may be a drawn rectangle, however it stands."""
    mesh, settings = obj.data, region_settings(obj)
    return (
        settings.guide
        and settings.enabled
        and obj.library is None
        and obj.parent is not None
        and obj.parent == scene.camera
        and isinstance(mesh, bpy.types.Mesh)
        and ((len(mesh.vertices), len(mesh.polygons)) == (4, 1) or is_patch(obj))
        and not obj.modifiers
        and not obj.constraints
    )


def drawn_rectangle(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, obj: bpy.types.Object
) -> DrawnRectangle | None:
    """Return the rectangle that an object is, or None where it is none, or is out of view.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    return _rectangle(scene, depsgraph, view_of(scene, depsgraph), obj, canvas_of(scene).is_ring)


def place_rectangle(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, obj: bpy.types.Object, to: Rectangle
) -> None:
    """Have a drawn rectangle fill another part of the canvas, as far from the camera as before.

    Its place and scale change and its mesh does not: that may be shared, and these keyframed. Of a
    panorama its mesh is made anew.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    view = view_of(scene, depsgraph)
    if view.is_panorama:
        found = patch_bounds(obj)
        fill_patch(obj, bounds_on(scene, *to.bounds), found[1] if found else 1.0)
        return
    corners = _corners(depsgraph, view, obj)
    depth = -float(corners[0, 2])
    placement = placement_of(scene, depsgraph, bounds_on(scene, *to.bounds), depth)
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale = np.array([placement.width, placement.height, 1.0])
    scale[:2] /= (high - low)[:2]
    change = np.diag([*scale, 1.0])  # (4, 4), in camera space
    change[:3, 3] = np.array(placement.middle) - (low + high) / 2 * scale
    parent = _parent_space(depsgraph, view, obj)
    basis = np.linalg.inv(parent) @ change @ parent @ np.array(obj.matrix_basis)
    obj.matrix_basis = Matrix(basis.tolist())


def _rectangle(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    view: CameraView,
    obj: bpy.types.Object,
    is_ring: tuple[bool, bool],
) -> DrawnRectangle | None:
    if not may_be_drawn(scene, obj):
        return None
    if view.is_panorama or is_patch(obj):
        return _patch(depsgraph, view, obj) if view.is_panorama else None
    corners = _corners(depsgraph, view, obj)
    low, high = corners.min(axis=0), corners.max(axis=0)
    sides, depth = high - low, -float(high[2])
    off_corner = np.minimum(corners - low, high - corners)[:, :2].max()
    if max(off_corner, sides[2]) > _SLANT * sides.max() or sides[:2].min() <= 0 or depth <= 0:
        return None
    share = depth if view.is_perspective else 1.0
    start = np.array([view.left, view.bottom])
    size = np.array([view.right, view.top]) - start
    (left, bottom), (right, top) = (
        ((corner[:2] / share - start) / size).tolist() for corner in (low, high)
    )
    bounds = in_frame(left, right, bottom, top, is_ring=is_ring)
    return DrawnRectangle(object=obj, bounds=bounds, depth=depth) if bounds else None


def _patch(
    depsgraph: bpy.types.Depsgraph, view: CameraView, obj: bpy.types.Object
) -> DrawnRectangle | None:
    """Return the part of a panorama that a patch fills, None where it was turned or moved since."""
    found = patch_bounds(obj)
    own = _parent_space(depsgraph, view, obj) @ np.array(obj.matrix_basis)
    if found is None or not np.allclose(own, np.eye(4), atol=_SLANT):
        return None
    bounds, depth = found
    return DrawnRectangle(object=obj, bounds=bounds, depth=depth)


def _corners(depsgraph: bpy.types.Depsgraph, view: CameraView, obj: bpy.types.Object) -> Floats:
    """Return a plane's corners in camera space, as its own place is now: (4, 3)."""
    mesh = obj.data
    assert isinstance(mesh, bpy.types.Mesh)
    points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", points)
    rows = _parent_space(depsgraph, view, obj) @ np.array(obj.matrix_basis)
    corners: Floats = points.reshape(-1, 3).astype(np.float64) @ rows[:3, :3].T + rows[:3, 3]
    return corners


def _parent_space(
    depsgraph: bpy.types.Depsgraph, view: CameraView, obj: bpy.types.Object
) -> Floats:
    """Return what brings an object's own place into camera space: (4, 4)."""
    assert obj.parent is not None
    camera = np.array(obj.parent.evaluated_get(depsgraph).matrix_world)
    space: Floats = view.world_to_camera @ camera @ np.array(obj.matrix_parent_inverse)
    return space
