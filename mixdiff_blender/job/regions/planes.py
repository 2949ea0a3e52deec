"""The faces that objects show to the camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from .projection import Floats, Ints

WITH_SURFACE = frozenset({"MESH", "CURVE", "SURFACE", "FONT", "META"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """The part of an object's surface that has one material, in its own space.

    Shapes: points (N, 3), triangles (T, 3) of indices of points.
    """

    points: Floats
    triangles: Ints
    slot: int = 0
    """The number of its material, from 0."""
    material: int = 0
    """The session's id of the material that its data has there; 0 for none."""
    normals: Floats | None = None
    """Which way each triangle's corners face as they are shaded, (T, 3, 3), where it was asked."""


def surfaces_of_mesh(evaluated: bpy.types.Object, *, shaded: bool = False) -> tuple[Surface, ...]:
    """Return what an evaluated object shows, a part for each of its materials that has faces.

    Shaded, with its normals.
    """
    mesh: Any = evaluated.to_mesh()
    if mesh is None:  # a curve without faces, for example
        return ()
    try:
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        mesh.calc_loop_triangles()
        corners = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        materials = [m.original.session_uid if m else 0 for m in mesh.materials] or [0]
        slots = _slots_of(mesh, len(materials))
        normals = _normals_of(mesh) if shaded else None
    finally:
        evaluated.to_mesh_clear()
    places, triangles = points.reshape(-1, 3).astype(np.float64), corners.reshape(-1, 3)
    if not len(triangles):
        return ()
    whole = Surface(points=places, triangles=triangles, normals=normals)
    used = np.unique(slots)
    if len(used) == 1:
        slot = int(used[0])
        return (replace(whole, slot=slot, material=materials[slot]),)
    return tuple(_part(whole, slots == slot, int(slot), materials[slot]) for slot in used)


def material_of(obj: bpy.types.Object, surface: Surface) -> int:
    """Return the session's id of the material that a part of an object's surface is shown in.

    The object itself may have another one than its data there.
    """
    slots: Any = obj.material_slots
    if surface.slot < len(slots) and slots[surface.slot].link == "OBJECT":
        own = slots[surface.slot].material
        return own.session_uid if own else 0
    return surface.material


def _slots_of(mesh: Any, count: int) -> Ints:
    """Return which of some materials each triangle has. Shapes: (T,)."""
    found = mesh.attributes.get("material_index") if count > 1 else None
    if found is None:
        return np.zeros(len(mesh.loop_triangles), dtype=np.int32)
    slots = np.empty(len(mesh.polygons), dtype=np.int32)
    found.data.foreach_get("value", slots)
    faces = np.empty(len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangle_polygons.foreach_get("value", faces)
    of_triangles: Ints = np.clip(slots, 0, count - 1)[faces]  # as renders do
    return of_triangles


def _normals_of(mesh: Any) -> Floats:
    """Return which way each triangle's corners face as they are shaded. Shapes: (T, 3, 3)."""
    own = np.empty(len(mesh.corner_normals) * 3, dtype=np.float32)
    mesh.corner_normals.foreach_get("vector", own)
    loops = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
    mesh.loop_triangles.foreach_get("loops", loops)
    of_corners: Floats = own.reshape(-1, 3)[loops].reshape(-1, 3, 3).astype(np.float64)
    return of_corners


def _part(whole: Surface, shown: NDArray[np.bool_], slot: int, material: int) -> Surface:
    """Return some of a surface's triangles, with those points alone that they have."""
    triangles = whole.triangles[shown]
    is_used = np.zeros(len(whole.points), dtype=bool)
    is_used[triangles] = True
    numbers = np.cumsum(is_used, dtype=np.int32) - 1
    return Surface(
        points=whole.points[is_used],
        triangles=numbers[triangles],
        slot=slot,
        material=material,
        normals=None if whole.normals is None else whole.normals[shown],
    )
