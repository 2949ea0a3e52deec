"""Making regions of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...contract import Image2ImageRegion
from ...job.regions.marking import FITTING, can_be_region, mark
from ...properties import REROLL_TYPE, TYPE_ITEMS
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import props

Result = set[Any]


def _selected(context: Any) -> list[bpy.types.Object]:
    objects = view_layer_in(context).objects
    return [obj for obj in objects.selected if can_be_region(obj)]


class MarkRegions(bpy.types.Operator):
    """Make each selected object a region of the picture, with settings of its own"""

    bl_idname = "mixdiff.mark_regions"
    bl_label = "Add as MixDiff Region"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        type: str

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether something is selected that can be a region."""
        cls.poll_message_set("Select a plane, another object with a surface, or an image")
        return bool(_selected(context))

    def execute(self, context: Any) -> Result:
        """Mark the objects."""
        for obj in _selected(context):
            mark(scene_in(context), obj, self.type)
        return {"FINISHED"}


MarkRegions.__annotations__ = {
    "type": props.EnumProperty(
        name="Type",
        description="What fills the regions (type)",
        items=[
            (
                FITTING,
                "Fitting",
                "From its picture for an image empty or a plane with an image texture, else text",
            ),
            *TYPE_ITEMS,
        ],
        options={"SKIP_SAVE"},
    ),
}


def draw_object_menu(menu: Any, context: Any) -> None:
    """Add what makes regions to the Object menu."""
    layout = menu.layout
    layout.separator()
    layout.operator(MarkRegions.bl_idname, icon="MESH_PLANE")
    layout.operator(
        MarkRegions.bl_idname, text="Add as MixDiff Image Region", icon="IMAGE_DATA"
    ).type = Image2ImageRegion.TYPE
    layout.operator(
        MarkRegions.bl_idname, text="Add as MixDiff Reroll Region", icon="FILE_REFRESH"
    ).type = REROLL_TYPE


CLASSES = (MarkRegions,)
MENUS = (("VIEW3D_MT_object", draw_object_menu),)
