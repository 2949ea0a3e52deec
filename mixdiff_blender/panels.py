"""The sidebar's tab. Panels only draw."""

from __future__ import annotations

from typing import Any

import bpy

from .contract import job
from .session import SESSION, Broken, Cancelling, Generating, Ready, Starting, State

_CATEGORY = "MixDiff"
_PHASES = {
    "loading": "Loading the model",
    "encoding": "Reading prompts and pictures",
    "sampling": "Painting",
    "decoding": "Developing the picture",
    "writing": "Writing the file",
}


def state_line(state: State) -> tuple[str, str]:
    """Return the engine's state in words, and an icon for it."""
    match state:
        case Starting():
            return "Starting the engine…", "TIME"
        case Ready():
            return f"Ready · {state.device}", "CHECKMARK"
        case Generating():
            return _progress_words(state), "RENDER_STILL"
        case Cancelling():
            return "Cancelling…", "CANCEL"
        case Broken():
            return "Failed", "ERROR"
        case _:
            return "The engine starts with the first picture", "PAUSE"


def _progress_words(state: Generating) -> str:
    if not state.steps:
        return f"{_PHASES.get(state.phase, state.phase)}…"
    left = "" if state.remaining_s is None else f" · {state.remaining_s:.0f} s left"
    return f"Step {state.step} of {state.steps}{left}"


class _MixDiffPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = _CATEGORY


class MIXDIFF_UL_regions(bpy.types.UIList):  # noqa: N801 (Blender's rule)
    """The objects that are regions."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: Any,
        _data: Any,
        item: Any,
        _icon: Any,
        _active_data: Any,
        _active_property: Any,
        _index: int = 0,
        _flag: int = 0,
    ) -> None:
        """Draw one region: its object's name, and what it shows."""
        settings = item.mixdiff
        icons = {"text2image": "TEXT", "image2image": "IMAGE_DATA", "reroll": "FILE_REFRESH"}
        row = layout.row(align=True)
        row.label(text=item.name, icon=icons[settings.type])
        if settings.type == job.Text2ImageRegion.TYPE:
            row.prop(settings, "prompt", text="", emboss=False)
        elif settings.type == job.Image2ImageRegion.TYPE:
            row.label(text=settings.reference_image.name if settings.reference_image else "—")
        else:
            row.label(text=settings.reroll_mode)

    def filter_items(self, _context: bpy.types.Context, data: Any, name: str) -> Any:
        """Show the objects that are regions, in the order of their names."""
        objects = getattr(data, name)
        flags = [self.bitflag_filter_item if item.mixdiff.enabled else 0 for item in objects]
        order = bpy.types.UI_UL_list.sort_items_by_name(objects, "name")
        return flags, order


class MIXDIFF_PT_engine(_MixDiffPanel, bpy.types.Panel):  # noqa: N801
    """The engine's state and the model."""

    bl_idname = "MIXDIFF_PT_engine"
    bl_label = "Engine"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, settings = self.layout, context.scene.mixdiff
        text, icon = state_line(SESSION.state)
        layout.label(text=text, icon=icon)
        if isinstance(SESSION.state, Broken):
            box = layout.box()
            for line in str(SESSION.state.error).splitlines():
                box.label(text=line)
        layout.prop(settings, "model")
        layout.prop(settings, "negative_prompt")


class MIXDIFF_PT_regions(_MixDiffPanel, bpy.types.Panel):  # noqa: N801
    """The regions, and the settings of the active one."""

    bl_idname = "MIXDIFF_PT_regions"
    bl_label = "Regions"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, scene = self.layout, context.scene
        row = layout.row()
        row.template_list(
            "MIXDIFF_UL_regions", "", scene, "objects", scene.mixdiff, "active_region", rows=4
        )
        buttons = row.column(align=True)
        buttons.operator("mixdiff.mark_regions", text="", icon="ADD")
        buttons.operator("mixdiff.unmark_region", text="", icon="REMOVE")
        item = context.object
        if item is None or not item.mixdiff.enabled:
            layout.label(text="Select a region to see its settings", icon="INFO")
            return
        draw_region(layout, item)


def draw_region(layout: Any, item: bpy.types.Object) -> None:
    """Draw the settings that apply to a region."""
    settings = item.mixdiff
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.label(text=item.name, icon="OBJECT_DATA")
    column.prop(settings, "type")
    match settings.type:
        case "text2image":
            column.prop(settings, "prompt")
            column.prop(settings, "negative_prompt")
            guidance = column.row()
            guidance.enabled = not settings.randomize_guidance
            guidance.prop(settings, "guidance_scale")
            column.prop(settings, "randomize_guidance")
            column.prop(settings, "mask_type")
            column.prop(settings, "mask_weight")
        case "image2image":
            column.template_ID(settings, "reference_image", open="image.open")
            column.prop(settings, "strength")
        case _:
            column.prop(settings, "reroll_mode")
    column.prop(settings, "region_seed_digits")
    if settings.type != "reroll" or settings.reroll_mode == "epsilon":
        column.prop(settings, "noise_eps")


class MIXDIFF_PT_canvas(_MixDiffPanel, bpy.types.Panel):  # noqa: N801
    """What holds for the whole picture."""

    bl_idname = "MIXDIFF_PT_canvas"
    bl_label = "Canvas"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        settings, render = context.scene.mixdiff, context.scene.render
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        share = render.resolution_percentage / 100
        size = f"{render.resolution_x * share:.0f} × {render.resolution_y * share:.0f}"
        column.label(text=f"{size} px, as the render", icon="OUTPUT")
        column.prop(settings, "num_inference_steps")
        column.prop(settings, "scheduler")
        column.prop(settings, "seed_digits")
        column.prop(settings, "cpu_vae")
        column.prop(settings, "decode_steps")
        column.prop(settings, "noise_device")


class MIXDIFF_PT_generate(_MixDiffPanel, bpy.types.Panel):  # noqa: N801
    """The button, and how far the job is."""

    bl_idname = "MIXDIFF_PT_generate"
    bl_label = "Generate"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, state = self.layout, SESSION.state
        if not SESSION.is_busy:
            button = layout.row()
            button.scale_y = 1.5
            button.operator("mixdiff.generate", text="Generate", icon="RENDER_STILL")
            return
        text, _ = state_line(state)
        share = state.step / state.steps if isinstance(state, Generating) and state.steps else 0
        layout.progress(factor=share, text=text)
        layout.operator("mixdiff.cancel", text="Cancel", icon="CANCEL")


class MIXDIFF_PT_result(_MixDiffPanel, bpy.types.Panel):  # noqa: N801
    """The picture and what it can be used for."""

    bl_idname = "MIXDIFF_PT_result"
    bl_label = "Result"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout, settings = self.layout, context.scene.mixdiff
        if settings.result is None:
            layout.label(text="No picture yet", icon="IMAGE_DATA")
            return
        layout.template_ID_preview(settings, "result", hide_buttons=True)
        row = layout.row(align=True)
        row.operator("mixdiff.use_as_texture", text="Texture")
        row.operator_menu_enum("mixdiff.use_in_compositor", "place", text="Compositor")


CLASSES = (
    MIXDIFF_UL_regions,
    MIXDIFF_PT_engine,
    MIXDIFF_PT_regions,
    MIXDIFF_PT_canvas,
    MIXDIFF_PT_generate,
    MIXDIFF_PT_result,
)
