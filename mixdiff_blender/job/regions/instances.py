"""What objects show to the camera through their instances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import bpy

from .planes import WITH_SURFACE, surface_of, to_world
from .projection import Bounds, CameraView, Floats, Ints, visible_bounds


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
    found: dict[bpy.types.Object, list[Bounds | None]] = defaultdict(list)
    for instance in depsgraph.object_instances if wanted else ():
        owner = instance.parent.original if instance.is_instance and instance.parent else None
        shown = instance.object
        if owner not in wanted or shown is None or shown.type not in WITH_SURFACE:
            continue
        data: Any = shown.data
        key = data.as_pointer()
        if key not in surfaces:
            surfaces[key] = surface_of(shown)
        points, triangles = surfaces[key]
        found[owner].append(
            visible_bounds(view, to_world(points, instance.matrix_world), triangles)
        )
    return {owner: Bounds.around(parts) for owner, parts in found.items()}
