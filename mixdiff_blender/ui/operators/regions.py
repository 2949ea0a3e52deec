"""Making regions of objects."""

from __future__ import annotations

from functools import partial
from typing import Any

import bpy

from ...contract import Image2ImageRegion, Text2ImageRegion
from ...job.regions.marking import FITTING, can_be_region, mark
from ...properties import REROLL_TYPE, TYPE_ITEMS
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import EnumProperty
from .base import UndoableOperator, entries, require, separate

TYPE_ICONS = {
    Text2ImageRegion.TYPE: "FONT_DATA",
    Image2ImageRegion.TYPE: "IMAGE_DATA",
    REROLL_TYPE: "FILE_REFRESH",
}


def _selected(context: Any) -> list[bpy.types.Object]:
    objects = view_layer_in(context).objects
    return [obj for obj in objects.selected if can_be_region(obj)]


class MarkRegions(UndoableOperator):
    """Make each selected object a region of the picture, with settings of its own"""

    bl_idname = "mixdiff.mark_regions"
    bl_label = "Add as MixDiff Region"
    icon = "MESH_PLANE"
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


def draw_kinds(layout: Any, text: str) -> None:
    """Draw what makes regions of the types that do not fit by themselves."""
    for kind, name in ((Image2ImageRegion.TYPE, "Image"), (REROLL_TYPE, "Reroll")):
        MarkRegions.button(layout, text.format(name), TYPE_ICONS[kind], type=kind)


CLASSES = (MarkRegions,)
_KINDS = partial(draw_kinds, text="Add as MixDiff {} Region")
MENUS = (("VIEW3D_MT_object", entries(separate, MarkRegions.button, _KINDS)),)
