"""The surfaces that objects show to the camera."""

from __future__ import annotations

import bpy
import numpy as np

from .projection import Bounds, CameraView, visible_bounds

WITH_SURFACE = frozenset({"MESH", "CURVE", "SURFACE", "FONT", "META"})


def bounds_of(
    obj: bpy.types.Object, depsgraph: bpy.types.Depsgraph, view: CameraView
) -> Bounds | None:
    """Return the part of the camera's frame that an object covers, or None where none."""
    evaluated = obj.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    try:
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        mesh.calc_loop_triangles()
        corners = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
    finally:
        evaluated.to_mesh_clear()
    to_world = np.array(evaluated.matrix_world)
    local = points.reshape(-1, 3).astype(np.float64)
    world = local @ to_world[:3, :3].T + to_world[:3, 3]
    return visible_bounds(view, world, corners.reshape(-1, 3))


def rendered_objects(view_layer: bpy.types.ViewLayer) -> set[bpy.types.Object]:
    """Return the objects of a view layer that neither they nor their collections hide."""
    shown: set[bpy.types.Object] = set()

    def visit(layer: bpy.types.LayerCollection) -> None:
        if layer.exclude or layer.collection.hide_render:
            return
        shown.update(obj for obj in layer.collection.objects if not obj.hide_render)
        for child in layer.children:
            visit(child)

    visit(view_layer.layer_collection)
    return shown
