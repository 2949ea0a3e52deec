"""What objects of each type show: faces, hair, the boxes around volumes."""

from __future__ import annotations

from typing import Any

import bpy

from .planes import WITH_SURFACE, Surface, surfaces_of_mesh
from .projection import Floats, Ints
from .strands import hair_of, strands_of_curves, strands_of_particles
from .volumes import box_of

SHOWN = WITH_SURFACE | {"CURVES", "VOLUME"}
"""The types of what a render shows, and that can be told from other things."""


def surfaces_of(evaluated: bpy.types.Object, *, shaded: bool = False) -> tuple[Surface, ...]:
    """Return what an evaluated object shows, a part for each of its materials.

    Shaded, with the normals of its faces; hair and boxes have none of their own.
    """
    if evaluated.type == "CURVES":
        return _one(evaluated, *strands_of_curves(evaluated))
    if evaluated.type == "VOLUME":
        return _one(evaluated, *box_of(evaluated))
    return surfaces_of_mesh(evaluated, shaded=shaded)


def hair_on(evaluated: bpy.types.Object) -> tuple[Surface, ...]:
    """Return the strands of an evaluated object's particles."""
    obj: Any = evaluated.original
    return tuple(
        surface
        for number in hair_of(obj)
        for surface in _one(
            evaluated,
            *strands_of_particles(evaluated, number),
            slot=obj.particle_systems[number].settings.material - 1,
        )
    )


def _one(
    evaluated: bpy.types.Object, points: Floats, triangles: Ints, slot: int = 0
) -> tuple[Surface, ...]:
    if not len(triangles):
        return ()
    obj: Any = evaluated.original
    slots = obj.material_slots
    slot = min(slot, max(0, len(slots) - 1))  # as renders do
    material = slots[slot].material if len(slots) else None
    uid = material.session_uid if material else 0
    return (Surface(points=points, triangles=triangles, slot=slot, material=uid),)
