"""What shows other objects, what is shown by others, and what flows into one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import bpy

AT_PARTS = ("VERTS", "FACES")
"""The ways to show one's children at parts of oneself."""


def may_have_instances(obj: bpy.types.Object) -> bool:
    """Return whether an object may show others: a collection, particles, or geometry nodes."""
    return (
        obj.instance_type != "NONE"
        or any(modifier.type == "NODES" for modifier in obj.modifiers)
        or bool(obj.particle_systems)
    )


def is_instanced_by_parent(obj: bpy.types.Object) -> bool:
    """Return whether an object is shown at the vertices or faces of its parent alone."""
    return obj.parent is not None and obj.parent.instance_type in AT_PARTS


def family_of(obj: bpy.types.Object, objects: Iterable[bpy.types.Object]) -> list[Any]:
    """Return the balls that flow into one with a ball; one of them has the surface of all.

    They are told by their names, as Blender does: "Ball", "Ball.001".
    """
    name = _family_name(obj)
    return [other for other in objects if other.type == "META" and _family_name(other) == name]


def _family_name(obj: bpy.types.Object) -> str:
    return re.sub(r"\.\d+$", "", obj.name)
