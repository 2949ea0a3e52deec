"""Mesh objects as regions: the rectangle that each covers in the camera's view."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .projection import Edges, Extent, Frame, Points, extent_of


def extent_of_object(
    item: bpy.types.Object, camera: bpy.types.Object, frame: Frame, depsgraph: Any
) -> Extent | None:
    """Return the part of the frame that an object's evaluated mesh covers, None where none."""
    evaluated = item.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    try:
        points, edges = _read(mesh)
        to_camera = camera.evaluated_get(depsgraph).matrix_world.normalized().inverted()
        matrix = np.array(to_camera @ evaluated.matrix_world)  # (4, 4)
    finally:
        evaluated.to_mesh_clear()
    seen = points @ matrix[:3, :3].T + matrix[:3, 3]  # (N, 3)
    return extent_of(seen, edges, frame)


def _read(mesh: bpy.types.Mesh) -> tuple[Points, Edges]:
    flat = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", flat)
    ends = np.empty(2 * len(mesh.edges), dtype=np.int32)
    mesh.edges.foreach_get("vertices", ends)
    return flat.reshape(-1, 3).astype(np.float64), ends.reshape(-1, 2)
