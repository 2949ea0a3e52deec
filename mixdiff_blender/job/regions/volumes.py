"""Volumes: the box around what is in them, behind which all is seen that is no region's."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .projection import Floats, Ints

_SIDES = ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
_BOX: Ints = np.array(
    [corners for a, b, c, d in _SIDES for corners in ((a, b, c), (a, c, d))], dtype=np.int32
)


def box_of(evaluated: bpy.types.Object) -> tuple[Floats, Ints]:
    """Return the box around an evaluated volume's active voxels, in its own space."""
    corners = np.array([list(corner) for corner in evaluated.bound_box], dtype=np.float64)
    is_empty = not np.ptp(corners, axis=0).any()
    return corners, _BOX[:0] if is_empty else _BOX


def shows_volume_alone(material: bpy.types.Material | None) -> bool:
    """Return whether a material has no surface, but what is within."""
    tree: Any = material.node_tree if material is not None else None
    if tree is None:
        return False
    outputs = [node for node in tree.nodes if node.bl_idname == "ShaderNodeOutputMaterial"]
    active = [node for node in outputs if node.is_active_output] or outputs
    return bool(active) and (
        active[0].inputs["Volume"].is_linked and not active[0].inputs["Surface"].is_linked
    )
