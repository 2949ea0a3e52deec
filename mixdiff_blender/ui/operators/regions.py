"""Making regions of objects."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import Image2ImageRegion
from ...job.regions.marking import FITTING, can_be_region, mark
from ...properties import REROLL_TYPE, TYPE_ITEMS
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import EnumProperty
from .base import ReportingOperator, require


def _selected(context: Any) -> list[bpy.types.Object]:
    objects = view_layer_in(context).objects
    return [obj for obj in objects.selected if can_be_region(obj)]


class MarkRegions(ReportingOperator):
    """Make each selected object a region of the picture, with settings of its own"""

    bl_idname = "mixdiff.mark_regions"
    bl_label = "Add as MixDiff Region"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (
        require(_selected, "Select a plane, another object with a surface, or an image"),
    )

    type: str = EnumProperty(
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
    )

    def run(self, context: Any) -> None:
        """Mark the objects."""
        for obj in _selected(context):
            mark(scene_in(context), obj, self.type)


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
