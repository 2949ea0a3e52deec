"""The surfaces that objects show to the camera."""

from __future__ import annotations

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
