"""The surfaces that objects show to the camera."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .projection import Floats, Ints

WITH_SURFACE = frozenset({"MESH", "CURVE", "SURFACE", "FONT", "META"})


def surface_of(evaluated: bpy.types.Object) -> tuple[Floats, Ints]:
    """Return the triangles that an evaluated object shows, in its own space.

    Shapes: (N, 3) points; (T, 3) triangles, indices of points.
    """
    points, triangles, _ = _read(evaluated, shaded=False)
    return points, triangles


def shaded_surface_of(evaluated: bpy.types.Object) -> tuple[Floats, Ints, Floats]:
    """Return the same, and which way the surface faces at each corner as it is shaded.

    Shapes: (N, 3) points; (T, 3) triangles, indices of points; (T, 3, 3) normals.
    """
    return _read(evaluated, shaded=True)


def _read(evaluated: bpy.types.Object, *, shaded: bool) -> tuple[Floats, Ints, Floats]:
    mesh: Any = evaluated.to_mesh()
    normals = np.empty((0, 3, 3))
    if mesh is None:  # a curve without faces, for example
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int32), normals
    try:
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        mesh.calc_loop_triangles()
        corners = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        if shaded:
            own = np.empty(len(mesh.corner_normals) * 3, dtype=np.float32)
            mesh.corner_normals.foreach_get("vector", own)
            loops = np.empty(len(corners), dtype=np.int32)
            mesh.loop_triangles.foreach_get("loops", loops)
            normals = own.reshape(-1, 3)[loops].reshape(-1, 3, 3).astype(np.float64)
    finally:
        evaluated.to_mesh_clear()
    return points.reshape(-1, 3).astype(np.float64), corners.reshape(-1, 3), normals
