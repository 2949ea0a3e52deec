"""The surfaces that objects show to the camera."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .projection import Bounds, CameraView, Floats, Ints, visible_bounds

WITH_SURFACE = frozenset({"MESH", "CURVE", "SURFACE", "FONT", "META"})


def bounds_of(
    obj: bpy.types.Object, depsgraph: bpy.types.Depsgraph, view: CameraView
) -> Bounds | None:
    """Return the part of the camera's frame that an object's surface covers, or None where none."""
    evaluated = obj.evaluated_get(depsgraph)
    points, triangles = surface_of(evaluated)
    return visible_bounds(view, to_world(points, evaluated.matrix_world), triangles)


def surface_of(evaluated: bpy.types.Object) -> tuple[Floats, Ints]:
    """Return the triangles that an evaluated object shows, in its own space.

    Shapes: (N, 3) points; (T, 3) triangles, indices of points.
    """
    mesh = evaluated.to_mesh()
    if mesh is None:  # a curve without faces, for example
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int32)
    try:
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        mesh.calc_loop_triangles()
        corners = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
    finally:
        evaluated.to_mesh_clear()
    return points.reshape(-1, 3).astype(np.float64), corners.reshape(-1, 3)


def to_world(points: Floats, matrix: Any) -> Floats:
    """Return points in the world.

    Shapes: points (N, 3), matrix (4, 4) → (N, 3).
    """
    rows = np.array(matrix)
    moved: Floats = points @ rows[:3, :3].T + rows[:3, 3]
    return moved


def rendered_objects(view_layer: bpy.types.ViewLayer) -> tuple[set[Any], set[Any]]:
    """Return the objects of a view layer that are rendered, and all those it does not exclude."""
    shown: set[Any] = set()
    included: set[Any] = set()

    def visit(layer: bpy.types.LayerCollection, is_shown: bool) -> None:
        if layer.exclude:
            return
        is_shown = is_shown and not layer.collection.hide_render
        objects = layer.collection.objects
        included.update(objects)
        if is_shown:
            shown.update(obj for obj in objects if not obj.hide_render)
        for child in layer.children:
            visit(child, is_shown)

    visit(view_layer.layer_collection, True)
    return shown, included
