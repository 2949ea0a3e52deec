"""The list of regions, and what adds to it."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import Image2ImageRegion, Text2ImageRegion
from ...job.regions.entries import Source, source_of
from ...properties import RegionSettings, canvas_settings
from ..job_cache import last_cached_job
from ..operators import annotation_layers, drawing, groups, images
from ..operators.region_list import RegionListMenu, RemoveRegion, draw_moving
from ..operators.regions import TYPE_ICONS, MarkRegions, draw_kinds
from .sidebar import SidebarList, SidebarPanel


def icon_of(source: Source) -> Any:
    """Return the icon of what a region is made of, where that is no object; else of its type."""
    if source.group is None:
        return TYPE_ICONS[source.settings.type]
    is_material = isinstance(source.group, bpy.types.Material)
    return (groups.MarkMaterial if is_material else groups.MarkCollection).icon


class RegionList(SidebarList):
    """The scene's regions."""

    bl_idname = "MIXDIFF_UL_regions"

    def draw_line(self, context: Any, layout: Any, item: Any) -> None:
        """Draw one region: whether it takes part, its type, name, weight, prompt."""
        source = source_of(item)
        settings = source.settings
        row = layout.row(align=True)
        row.prop(settings, "enabled", text="")
        lines = row.column(align=True)
        lines.active = settings.enabled
        name = lines.row(align=True)
        is_wrong = bool(last_cached_job(context.scene).problems_of(source.id))
        name.label(text="", icon="ERROR" if is_wrong else icon_of(source))
        named = source.object or source.group
        if named is not None:
            name.prop(named, "name", text="", emboss=False)
        else:
            name.label(text=source.layer)
        if settings.type == Text2ImageRegion.TYPE:
            weight = name.row()
            weight.ui_units_x = 2.5
            weight.prop(settings, "mask_weight", text="", emboss=False)
        self._draw_content(lines.row(), settings)

    def _draw_content(self, row: Any, settings: RegionSettings) -> None:
        """Draw what fills a region, in few words."""
        if settings.type == Text2ImageRegion.TYPE:
            row.prop(settings, "prompt", text="", placeholder="no prompt")
        elif settings.type == Image2ImageRegion.TYPE:
            image = settings.reference_image
            row.label(text=image.name if image else "(no picture)")
        else:
            row.prop(settings, "reroll_mode", text="", emboss=False)


class AddRegionMenu(bpy.types.Menu):
    """All ways to add a region."""

    bl_idname = "MIXDIFF_MT_add_region"
    bl_label = "Add Region"

    def draw(self, context: Any) -> None:
        """Draw the entries."""
        layout: Any = self.layout
        MarkRegions.button(layout, "From Selected Objects")
        draw_kinds(layout, "From Selected, as {}")
        groups.draw_add_menu(layout)
        layout.separator()
        for module in (drawing, images, annotation_layers):
            module.draw_add_menu(layout)


class RegionsPanel(SidebarPanel):
    """The list of regions."""

    bl_idname = "MIXDIFF_PT_regions"
    bl_label = "Regions"
    bl_order = 3

    def draw_header_preset(self, context: Any) -> None:
        """Draw the switch of the overlay."""
        settings = canvas_settings(context.scene)
        icon = "HIDE_OFF" if settings.show_overlay else "HIDE_ON"
        self.layout.prop(settings, "show_overlay", text="", icon=icon, emboss=False)

    def draw(self, context: Any) -> None:
        """Draw the list, and beside it what changes its entries."""
        layout = self.layout
        settings = canvas_settings(context.scene)
        row = layout.row()
        row.template_list(
            RegionList.bl_idname, "", settings, "regions", settings, "active_region", rows=4
        )
        beside = row.column(align=True)
        beside.menu(AddRegionMenu.bl_idname, text="", icon="ADD")
        RemoveRegion.button(beside, "")
        beside.separator()
        beside.menu(RegionListMenu.bl_idname, text="", icon="DOWNARROW_HLT")
        beside.separator()
        draw_moving(beside)
        if len(settings.regions):
            layout.prop(settings, "nearer_first")
        else:
            row = layout.row(align=True)
            MarkRegions.button(row, "Add Selected", "ADD")
            drawing.draw_add_menu(row, "Draw")


CLASSES = (RegionList, AddRegionMenu, RegionsPanel)
