"""Rectangles of a panorama, drawn: parts of a sphere around the camera that are regions."""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .camera import find_camera, view_of
from .helper_planes import stand_before_camera
from .panorama import Floats, Ints
from .projection import Bounds

_SIDES = "mixdiff_patch"
_STEP = math.radians(5)  # how far a face of it reaches
_RADIUS = 2.0  # beyond where the camera begins to see, at least


def add_patch(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    collection: bpy.types.Collection,
    bounds: Bounds,
) -> bpy.types.Object:
    """Add a surface with a UV map that fills a part of a panorama and moves with its camera.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    view = view_of(scene, depsgraph)
    radius = min(max(1.0, view.near * _RADIUS), view.far / _RADIUS)
    mesh = bpy.data.meshes.new("Region")
    patch: Any = bpy.data.objects.new("Region", mesh)
    fill_patch(patch, bounds, radius)
    stand_before_camera(scene, collection, patch)
    # A level view is not the camera's own.
    camera = np.array(find_camera(scene).matrix_world.normalized())
    turned = np.linalg.inv(view.world_to_camera @ camera)
    patch.matrix_basis = Matrix(turned.tolist())
    return patch  # type: ignore[no-any-return]


def is_patch(obj: Any) -> bool:
    """Return whether an object may be a drawn part of a panorama, however it stands."""
    return isinstance(obj.data, bpy.types.Mesh) and obj.get(_SIDES) is not None


def patch_bounds(obj: Any) -> tuple[Bounds, float] | None:
    """Return the part of a panorama that a patch fills, and its radius, as it was drawn last."""
    try:
        left, right, bottom, top, radius = map(float, obj.get(_SIDES, ()))
    except (TypeError, ValueError):
        return None
    is_real = left < right <= left + 1 and 0 <= bottom < top <= 1 and radius > 0
    return (Bounds(left=left, right=right, bottom=bottom, top=top), radius) if is_real else None


def fill_patch(obj: Any, bounds: Bounds, radius: float) -> None:
    """Have an object's mesh fill a part of a panorama, seen from its origin."""
    if obj.data.users > 1:
        obj.data = obj.data.copy()
    mesh = obj.data
    obj[_SIDES] = [bounds.left, bounds.right, bounds.bottom, bounds.top, radius]
    points, shares, faces = _grid(bounds, radius)
    mesh.clear_geometry()
    mesh.from_pydata(points.tolist(), [], faces.tolist())
    layer = mesh.uv_layers.active or mesh.uv_layers.new(name="UVMap")
    uv: Any = layer.data
    uv.foreach_set("uv", shares[faces.ravel()].astype(np.float32).ravel())
    mesh.update()


def _grid(bounds: Bounds, radius: float) -> tuple[Floats, Floats, Ints]:
    """Return points (N, 3), where in the part they are (N, 2), and faces of four (F, 4)."""
    sides = ((bounds.left, bounds.right, 2 * math.pi), (bounds.bottom, bounds.top, math.pi))
    counts = [max(1, math.ceil((end - start) * whole / _STEP)) for start, end, whole in sides]
    across, up = (np.linspace(0, 1, count + 1) for count in counts)
    azimuth = (bounds.left + across * (bounds.right - bounds.left) - 0.5) * 2 * math.pi
    elevation = (bounds.bottom + up * (bounds.top - bounds.bottom) - 0.5) * math.pi
    az, el = np.meshgrid(azimuth, elevation)
    flat = np.cos(el) * radius
    points = np.stack([flat * np.sin(az), np.sin(el) * radius, -flat * np.cos(az)], axis=-1)
    shares = np.stack(np.meshgrid(across, up), axis=-1)
    columns = counts[0] + 1
    first = (np.arange(counts[1])[:, None] * columns + np.arange(counts[0])).ravel()
    faces = np.stack([first, first + 1, first + columns + 1, first + columns], axis=1)
    return points.reshape(-1, 3), shares.reshape(-1, 2), faces.astype(np.int32)
