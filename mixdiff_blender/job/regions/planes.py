"""The surfaces that objects show to the camera."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .projection import Floats, Ints

WITH_SURFACE = frozenset({"MESH", "CURVE", "SURFACE", "FONT", "META"})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What the collections of a view layer let through."""

    included: Set[Any]
    """What is in a collection that the layer does not exclude."""
    evaluated: Set[Any]
    """What is not disabled in viewports: Blender leaves the rest as it was last seen. What is only
    hidden (by the eye) is evaluated all the same."""
    rendered: Set[Any]

    @classmethod
    def of(cls, view_layer: bpy.types.ViewLayer) -> Visibility:
        """Return what a view layer lets through."""
        included: set[Any] = set()
        evaluated: set[Any] = set()
        rendered: set[Any] = set()

        def visit(layer: bpy.types.LayerCollection, in_viewports: bool, in_renders: bool) -> None:
            if layer.exclude:
                return
            in_viewports = in_viewports and not layer.collection.hide_viewport
            in_renders = in_renders and not layer.collection.hide_render
            objects = layer.collection.objects
            included.update(objects)
            if in_viewports:
                evaluated.update(obj for obj in objects if not obj.hide_viewport)
            if in_renders:
                rendered.update(obj for obj in objects if not obj.hide_render)
            for child in layer.children:
                visit(child, in_viewports, in_renders)

        visit(view_layer.layer_collection, True, True)
        return cls(included=included, evaluated=evaluated, rendered=rendered)
