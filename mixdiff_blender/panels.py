"""The sidebar's tab: draws what there is, and does nothing."""

from __future__ import annotations

from typing import Any

import bpy

from . import generation, running
from .contract import DEFAULT_STRIDE_PX, Image2ImageRegion, Text2ImageRegion
from .operators import (
    Cancel,
    Generate,
    KeepSeed,
    MarkRegions,
    UseAsTexture,
    UseInCompositor,
)
from .properties import REROLL_TYPE, RegionSettings, canvas_settings, region_settings
from .regions.camera import canvas_of
from .session import Failed, Generating
from .wording import state_text, wrapped

_TYPE_ICONS = {
    Text2ImageRegion.TYPE: "FONT_DATA",
    Image2ImageRegion.TYPE: "IMAGE_DATA",
    REROLL_TYPE: "FILE_REFRESH",
}
_LINE_ICONS = {"INFO": "CHECKMARK", "WARNING": "ERROR", "ERROR": "CANCEL"}


def _letters(context: Any) -> int:
    """Return how many letters fit into a line of the sidebar."""
    scale = context.preferences.system.ui_scale
    return max(20, int(context.region.width / (7.2 * scale)) - 6)


def _draw_text(layout: Any, context: Any, text: str, icon: str) -> None:
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(text, _letters(context))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


class _SidebarPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MixDiff"


class EnginePanel(_SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """The picture as a whole."""

    bl_idname = "MIXDIFF_PT_engine"
    bl_label = "MixDiff"

    def draw(self, context: Any) -> None:
        """Draw the engine's state, and what is the same for the whole picture."""
        layout: Any = self.layout
        state = running.session.state
        icon = "ERROR" if isinstance(state, Failed) else "RADIOBUT_ON"
        layout.label(text=state_text(state), icon=icon)
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = canvas_settings(context.scene)
        column = layout.column()
        column.prop(settings, "model")
        column.prop(settings, "negative_prompt")


class RegionList(bpy.types.UIList):
    """The scene's objects that are regions."""

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
        settings = region_settings(item)
        row = layout.row(align=True)
        row.label(text="", icon=_TYPE_ICONS[settings.type])
        row.prop(item, "name", text="", emboss=False)
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

    def filter_items(self, context: Any, data: Any, property: str) -> Any:
        """Show only regions, in the order of their names, which is the job's order."""
        objects = list(getattr(data, property))
        flags = [self.bitflag_filter_item if region_settings(o).enabled else 0 for o in objects]
        by_name = sorted(range(len(objects)), key=lambda i: objects[i].name_full)
        order = [0] * len(objects)
        for place, index in enumerate(by_name):
            order[index] = place
        return flags, order


class RegionsPanel(_SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """The regions, and the active one's settings."""

    bl_idname = "MIXDIFF_PT_regions"
    bl_label = "Regions"

    def draw(self, context: Any) -> None:
        """Draw the list, and only those settings of the active region that apply."""
        layout: Any = self.layout
        scene, settings = context.scene, canvas_settings(context.scene)
        layout.template_list(
            RegionList.bl_idname, "", scene, "objects", settings, "active_region", rows=3
        )
        layout.operator(MarkRegions.bl_idname, text="Add Selected", icon="ADD")
        active = context.view_layer.objects.active
        if active is None or not region_settings(active).enabled:
            return
        region = region_settings(active)
        report = generation.last_report(scene)
        for line in report.lines if report else ():
            if line.object_name == active.name:
                _draw_text(layout, context, line.text, _LINE_ICONS[line.severity])
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


class CanvasPanel(_SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """How the picture is made."""

    bl_idname = "MIXDIFF_PT_canvas"
    bl_label = "Canvas"

    def draw(self, context: Any) -> None:
        """Draw the canvas's size and how it is painted."""
        layout: Any = self.layout
        canvas = canvas_of(context.scene)
        size = f"{canvas.width_px} × {canvas.height_px} px"
        render = context.scene.render
        share = render.resolution_percentage / 100
        exact = (render.resolution_x * share, render.resolution_y * share)
        rounded = exact != (canvas.width_px, canvas.height_px)
        why = f"render size, to the nearest {DEFAULT_STRIDE_PX}" if rounded else "render size"
        layout.label(text=f"{size} ({why})")
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = canvas_settings(context.scene)
        column = layout.column()
        for name in ("num_inference_steps", "scheduler", "seed_digits"):
            column.prop(settings, name)
        column.separator()
        for name in ("noise_device", "cpu_vae", "decode_steps"):
            column.prop(settings, name)


class GeneratePanel(_SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """The button, and how far the picture is."""

    bl_idname = "MIXDIFF_PT_generate"
    bl_label = "Picture"
    bl_options = {"HIDE_HEADER"}

    def draw(self, context: Any) -> None:
        """Draw the button or the progress, then how the last job went."""
        layout: Any = self.layout
        state = running.session.state
        if running.session.is_busy:
            share = 0.0
            if isinstance(state, Generating) and state.steps:
                share = state.step / state.steps
            layout.progress(factor=share, text=state_text(state))
            layout.operator(Cancel.bl_idname, text="Cancel", icon="X")
            return
        row = layout.row()
        row.scale_y = 1.5
        row.operator(Generate.bl_idname, text="Generate", icon="IMAGE_DATA")
        report = generation.last_report(context.scene)
        for line in report.lines if report else ():
            _draw_text(layout, context, line.text, _LINE_ICONS[line.severity])


class ResultPanel(_SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """What to do with the picture."""

    bl_idname = "MIXDIFF_PT_result"
    bl_label = "Result"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a picture."""
        return canvas_settings(context.scene).result is not None

    def draw(self, context: Any) -> None:
        """Draw the picture and the ways to use it."""
        layout: Any = self.layout
        settings = canvas_settings(context.scene)
        image = settings.result
        assert image is not None
        layout.template_icon(icon_value=image.preview_ensure().icon_id, scale=8)
        row = layout.row()
        row.label(text=f"Seed {settings.result_seed}")
        row.operator(KeepSeed.bl_idname, text="Keep Seed", icon="PINNED")
        layout.label(text="Use as")
        column = layout.column(align=True)
        column.operator(UseAsTexture.bl_idname, text="Texture of Selected", icon="TEXTURE")
        operator = UseInCompositor.bl_idname
        column.operator(operator, text="Backdrop in Compositor", icon="NODE_COMPOSITING")
        alone = column.operator(operator, text="Compositor, Alone", icon="NODE_COMPOSITING")
        alone.placing = "ALONE"


CLASSES = (
    RegionList,
    EnginePanel,
    RegionsPanel,
    CanvasPanel,
    GeneratePanel,
    ResultPanel,
)
