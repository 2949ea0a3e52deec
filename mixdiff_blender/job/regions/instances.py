"""What objects show to the camera through their instances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from .planes import WITH_SURFACE, surface_of
from .projection import Bounds, CameraView, Floats, Ints, visible_bounds

_POINTS_AT_ONCE = 2**18


def may_have_instances(obj: bpy.types.Object) -> bool:
    """Return whether an object may show others: a collection, particles, or geometry nodes."""
    return (
        obj.instance_type != "NONE"
        or any(modifier.type == "NODES" for modifier in obj.modifiers)
        or bool(obj.particle_systems)
    )


def bounds_of_instances(
    objects: Iterable[bpy.types.Object], depsgraph: bpy.types.Depsgraph, view: CameraView
) -> dict[bpy.types.Object, Bounds | None]:
    """Return the part of the camera's frame that the instances of each object cover."""
    wanted = set(objects)
    surfaces: dict[int, tuple[Floats, Ints]] = {}
    placed: dict[tuple[bpy.types.Object, int], list[Any]] = defaultdict(list)
    for instance in depsgraph.object_instances if wanted else ():
        owner = instance.parent.original if instance.is_instance and instance.parent else None
        shown = instance.object
        if owner not in wanted or shown is None or shown.type not in WITH_SURFACE:
            continue
        data: Any = shown.data
        key = data.as_pointer()
        if key not in surfaces:
            surfaces[key] = surface_of(shown)
        placed[owner, key].append(np.array(instance.matrix_world))
    found: dict[bpy.types.Object, list[Bounds | None]] = defaultdict(list)
    for (owner, key), matrices in placed.items():
        points, triangles = surfaces[key]
        at_once = max(1, _POINTS_AT_ONCE // max(1, len(points)))
        for first in range(0, len(matrices), at_once):
            some = np.stack(matrices[first : first + at_once])
            found[owner].append(visible_bounds(view, *_repeated(points, triangles, some)))
    return {owner: Bounds.around(parts) for owner, parts in found.items()}


def _repeated(points: Floats, triangles: Ints, matrices: Floats) -> tuple[Floats, Ints]:
    """Return a surface at each of several places, as one.

    Shapes: points (N, 3), triangles (T, 3), matrices (I, 4, 4) to (I * N, 3) and (I * T, 3).
    """
    moved = points @ matrices[:, :3, :3].transpose(0, 2, 1) + matrices[:, None, :3, 3]  # (I, N, 3)
    offsets = len(points) * np.arange(len(matrices), dtype=triangles.dtype)
    indices = triangles[None] + offsets[:, None, None]  # (I, T, 3)
    return moved.reshape(-1, 3), indices.reshape(-1, 3)
