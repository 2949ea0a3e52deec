"""The regions, and the active one's settings."""

from __future__ import annotations

from typing import Any

import bpy

from .. import generation
from ..contract import Image2ImageRegion, Text2ImageRegion
from ..operators.regions import MarkRegions
from ..properties import REROLL_TYPE, RegionSettings, canvas_settings
from ..regions.entries import name_of, settings_of
from .sidebar import LINE_ICONS, SidebarPanel, draw_text

_TYPE_ICONS = {
    Text2ImageRegion.TYPE: "FONT_DATA",
    Image2ImageRegion.TYPE: "IMAGE_DATA",
    REROLL_TYPE: "FILE_REFRESH",
}


class RegionList(bpy.types.UIList):
    """The scene's regions."""

    bl_idname = "MIXDIFF_UL_regions"

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: Any,
        active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
        """Draw one region: its type, its name, what it shows, its weight."""
        settings = settings_of(item)
        row = layout.row(align=True)
        row.label(text="", icon=_TYPE_ICONS[settings.type])
        if item.object:
            row.prop(item.object, "name", text="", emboss=False)
        else:
            row.label(text=item.layer)
        told = layout.row()
        told.active = False
        if settings.type == Text2ImageRegion.TYPE:
            told.label(text=settings.prompt or "(no prompt)")
        elif settings.type == Image2ImageRegion.TYPE:
            image = settings.reference_image
            told.label(text=image.name if image else "(no picture)")
        else:
            told.prop(settings, "reroll_mode", text="", emboss=False)
        layout.prop(settings, "enabled", text="")


class RegionsPanel(SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """The regions, and the active one's settings."""

    bl_idname = "MIXDIFF_PT_regions"
    bl_label = "Regions"

    def draw(self, context: Any) -> None:
        """Draw the list, and only those settings of the active region that apply."""
        layout: Any = self.layout
        scene, settings = context.scene, canvas_settings(context.scene)
        layout.template_list(
            RegionList.bl_idname, "", settings, "regions", settings, "active_region", rows=3
        )
        layout.operator(MarkRegions.bl_idname, text="Add Selected", icon="ADD")
        if not 0 <= settings.active_region < len(settings.regions):
            return
        active = settings.regions[settings.active_region]
        region = settings_of(active)
        report = generation.last_report(scene)
        for line in report.lines if report else ():
            if line.object_name == name_of(active):
                draw_text(layout, context, line.text, LINE_ICONS[line.severity])
        layout.row().prop(region, "type", expand=True)
        layout.use_property_split = True
        layout.use_property_decorate = False
        _draw_region(layout.column(), region)


def _draw_region(column: Any, region: RegionSettings) -> None:
    if region.type == Text2ImageRegion.TYPE:
        column.prop(region, "prompt")
        column.prop(region, "negative_prompt")
        row = column.row(align=True)
        value = row.row(align=True)
        value.active = not region.randomize_guidance
        value.prop(region, "guidance_scale")
        row.prop(region, "randomize_guidance", text="", icon="FILE_REFRESH")
        column.prop(region, "mask_type")
        column.prop(region, "mask_weight")
    elif region.type == Image2ImageRegion.TYPE:
        column.template_ID(region, "reference_image", open="image.open")
        column.prop(region, "strength")
    else:
        column.prop(region, "reroll_mode")
    column.prop(region, "region_seed_digits")
    if region.type != REROLL_TYPE or region.reroll_mode == "epsilon":
        column.prop(region, "noise_eps")


CLASSES = (RegionList, RegionsPanel)
