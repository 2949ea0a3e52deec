"""What keeps a projection from being seen: geometry nodes have the last word on faces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import bpy
import numpy as np

from ..job.regions.differences import Differences
from ..job.regions.planes import WITH_SURFACE
from ..job.regions.twins import twins


def obstacles(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, objects: Iterable[bpy.types.Object]
) -> dict[bpy.types.Object, str]:
    """Return why a render would not show a projection on objects, and what to do."""
    with_nodes = [obj for obj in objects if any(m.type == "NODES" for m in obj.modifiers)]
    differing = list(filter(Differences(scene).between, with_nodes))
    found: dict[bpy.types.Object, str] = {}
    if differing:
        with twins(scene, depsgraph, differing) as made:
            found |= _found_in(made.depsgraph, {twin: obj for obj, twin in made.of.items()})
    alike = {obj: obj for obj in with_nodes if obj not in differing}
    return found | _found_in(depsgraph, alike)


def _found_in(
    depsgraph: bpy.types.Depsgraph, objects: Mapping[bpy.types.Object, bpy.types.Object]
) -> dict[bpy.types.Object, str]:
    found = {}
    for obj, original in objects.items():
        for material in _materials_of_nodes(obj.evaluated_get(depsgraph)):
            found[original] = (
                f"the nodes of {original.name!r} give it the material {material!r}; "
                "take it out of them, or apply the modifier"
            )
    instances: Any = depsgraph.object_instances if objects else ()
    for instance in instances:
        maker: Any = instance.parent.original if instance.is_instance and instance.parent else None
        # Those of particles and of its vertices or faces are other objects, beside its own faces.
        if maker not in objects or maker.instance_type != "NONE" or instance.particle_system:
            continue
        if instance.object.type in WITH_SURFACE:
            name = objects[maker].name
            found[objects[maker]] = (
                f"the nodes of {name!r} show instances, each in a place of its own; "
                "end them with Realize Instances"
            )
    return found


def _materials_of_nodes(evaluated: Any) -> set[str]:
    """Return the materials that an evaluated object's faces have beside those of its slots."""
    mesh = evaluated.to_mesh()
    if mesh is None:
        return set()
    try:
        indices = np.zeros(len(mesh.polygons), dtype=np.int32)
        mesh.polygons.foreach_get("material_index", indices)
        own = len(evaluated.original.material_slots)
        materials = [
            mesh.materials[i] for i in np.unique(indices) if own <= i < len(mesh.materials)
        ]
        return {material.name for material in materials if material is not None}
    finally:
        evaluated.to_mesh_clear()
