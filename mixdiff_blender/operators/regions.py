"""Making regions of objects."""

from __future__ import annotations

from typing import Any

import bpy

from ..contexts import scene_in
from ..regions.entries import list_object
from .selection import selected_with_surface

Result = set[Any]


class MarkRegions(bpy.types.Operator):
    """Make each selected object a region of the picture, with a prompt of its own"""

    bl_idname = "mixdiff.mark_regions"
    bl_label = "Add as MixDiff Region"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether something is selected that can be a region."""
        cls.poll_message_set("Select a plane or another object with a surface")
        return bool(selected_with_surface(context))

    def execute(self, context: Any) -> Result:
        """Mark the objects."""
        for obj in selected_with_surface(context):
            list_object(scene_in(context), obj)
        return {"FINISHED"}


def draw_object_menu(menu: Any, context: Any) -> None:
    """Add what makes regions to the Object menu."""
    layout = menu.layout
    layout.separator()
    layout.operator(MarkRegions.bl_idname, icon="MESH_PLANE")


CLASSES = (MarkRegions,)
MENUS = (("VIEW3D_MT_object", draw_object_menu),)
