"""Things that stand before the camera to be regions, and are not rendered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import bpy

from .camera import canvas_of, find_camera, view_of
from .projection import Bounds

_AHEAD: Any = {"left": -1.0, "right": 1.0, "bottom": -0.5, "top": 0.5, "is_panorama": False}
_CORNERS = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A rectangle in the camera's space that fills a part of its frame.

    Units: Blender's.
    """

    middle: tuple[float, float, float]
    width: float
    height: float


def bounds_on(
    scene: bpy.types.Scene, top: float, bottom: float, left: float, right: float
) -> Bounds:
    """Return the part of the frame that a rectangle in pixels of the canvas is."""
    canvas = canvas_of(scene)
    return Bounds(
        left=left / canvas.width_px,
        right=right / canvas.width_px,
        bottom=1 - bottom / canvas.height_px,
        top=1 - top / canvas.height_px,
    )


def placement_of(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    bounds: Bounds,
    depth: float | None = None,
) -> Placement:
    """Return where something must stand before a scene's camera to fill a part of its frame.

    Of a panorama the frame is what lies ahead.
    Without a depth it stands near.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    view = view_of(scene, depsgraph)
    if view.is_panorama:  # which has no frame: what stands ahead of it, twice as wide as high
        view = replace(view, **_AHEAD)
    sides = (view.right - view.left, view.top - view.bottom)
    if depth is None:  # the frame is one unit wide or high there
        depth = 1 / max(sides) if view.is_perspective else 1.0
    # Yet where the camera sees it.
    depth = min(max(depth, view.near * 1.01), view.far * 0.99)
    share = depth if view.is_perspective else 1.0
    left, right = (view.left + sides[0] * edge for edge in (bounds.left, bounds.right))
    bottom, top = (view.bottom + sides[1] * edge for edge in (bounds.bottom, bounds.top))
    return Placement(
        middle=((left + right) / 2 * share, (bottom + top) / 2 * share, -depth),
        width=(right - left) * share,
        height=(top - bottom) * share,
    )


def add_plane(
    scene: bpy.types.Scene, collection: bpy.types.Collection, placement: Placement
) -> bpy.types.Object:
    """Add a plane with a UV map that fills a spot before the camera and moves with it."""
    mesh = bpy.data.meshes.new("Region")
    corners = [(x * placement.width, y * placement.height, 0.0) for x, y in _CORNERS]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    uv: Any = layer.data
    for loop, (x, y) in zip(uv, _CORNERS, strict=True):
        loop.uv = (x + 0.5, y + 0.5)
    mesh.update()
    plane = bpy.data.objects.new("Region", mesh)
    stand_before_camera(scene, collection, plane, placement.middle)
    return plane


def add_image(
    scene: bpy.types.Scene,
    collection: bpy.types.Collection,
    placement: Placement,
    image: bpy.types.Image,
) -> bpy.types.Object:
    """Add an empty that shows an image, as large as fits into a spot before the camera."""
    empty = bpy.data.objects.new(image.name, None)
    empty.empty_display_type = "IMAGE"
    cast(Any, empty).data = image
    width, height = (max(1, size) for size in cast(Any, image.size))
    scale = min(placement.width / width, placement.height / height)
    empty.empty_display_size = max(width, height) * scale
    stand_before_camera(scene, collection, empty, placement.middle)
    return empty


def stand_before_camera(
    scene: bpy.types.Scene,
    collection: bpy.types.Collection,
    obj: bpy.types.Object,
    at: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Put an object at a place in the space of a scene's camera, with which it moves."""
    camera = find_camera(scene)
    collection.objects.link(obj)
    obj.location = at
    obj.parent = camera
    # A camera's own scale is nothing to what it sees.
    scaled = camera.matrix_world
    obj.matrix_parent_inverse = scaled.inverted_safe() @ scaled.normalized()
