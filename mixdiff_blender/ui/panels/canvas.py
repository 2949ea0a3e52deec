"""The canvas as a whole: what it shows, and how it is generated."""

from __future__ import annotations

from typing import Any

from ...job.model_settings import has_own_settings
from ...job.regions.camera import canvas_of
from ...properties import RENDER_SIZE, canvas_settings
from ..operators.live import OtherLive
from ..operators.models import ModelsMenu, UseModelSettings
from .hints import draw_hint
from .models import draw_few_steps
from .presets import draw_presets
from .sidebar import SidebarPanel, split_column

_PROMPTS = (
    ("prompt", "BRUSH_DATA", "Style, added to each"),
    ("background_prompt", "IMAGE_BACKGROUND", "Background, behind all"),
    ("negative_prompt", "CANCEL", "Avoid"),
)
_EVERYTHING = "Whole picture, or all prompts"
_WITHOUT_REGIONS = "What the picture shows"


class PromptPanel(SidebarPanel):
    """What the whole picture is of."""

    bl_idname = "MIXDIFF_PT_prompt"
    bl_label = "What It Shows"
    bl_order = 2

    def draw(self, context: Any) -> None:
        """Draw the prompts that hold for the whole picture."""
        settings = canvas_settings(context.scene)
        column = self.layout.column(align=True)
        for name, icon, text in _PROMPTS:
            if name == "background_prompt" and not len(settings.regions):
                text = _WITHOUT_REGIONS
            column.prop(settings, name, text="", icon=icon, placeholder=text)
        draw_presets(self.layout, context)
        if len(settings.regions):
            self.layout.prop(settings, "background")
        draw_hint(self.layout, context, settings.prompt, "style")
        draw_hint(self.layout, context, settings.background_prompt, "background")


class BasePanel(SidebarPanel):
    """What the whole picture is of at once, so that its regions fit together."""

    bl_idname = "MIXDIFF_PT_base"
    bl_label = "Base Pass"
    bl_parent_id = PromptPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: Any) -> None:
        """Draw how strong it is, also while the panel is folded."""
        strength = canvas_settings(context.scene).base_strength
        self.layout.label(text=f"{strength:.2f}" if strength > 0 else "Off")

    def draw(self, context: Any) -> None:
        """Draw how much the base pass has a part in the picture, and what it shows."""
        settings = canvas_settings(context.scene)
        split_column(self.layout).prop(settings, "base_strength")
        column = self.layout.column()
        column.active = settings.base_strength > 0
        split_column(column).prop(settings, "base_end")
        column.prop(settings, "base_prompt", text="", icon="SCENE_DATA", placeholder=_EVERYTHING)


class CanvasPanel(SidebarPanel):
    """What paints the picture, and how."""

    bl_idname = "MIXDIFF_PT_canvas"
    bl_label = "Model and Canvas"
    bl_order = 5

    def draw(self, context: Any) -> None:
        """Draw the model, and what depends on it."""
        layout = self.layout
        settings = canvas_settings(context.scene)
        row = split_column(layout).row(align=True)
        row.prop(settings, "model")
        row.menu(ModelsMenu.bl_idname, text="", icon="DOWNARROW_HLT")
        draw_few_steps(layout, settings.model)
        column = split_column(layout)
        column.prop(settings, "num_inference_steps")
        column.prop(settings, "guidance_scale")
        column.prop(settings, "scheduler")
        row = column.row(align=True)
        row.prop(settings, "seed_digits", placeholder="random")
        OtherLive.button(row, "")
        row = layout.row()
        row.enabled = has_own_settings(context.scene)
        UseModelSettings.button(row, "Back to the Model's Own")


class SizePanel(SidebarPanel):
    """Where the canvas's size comes from."""

    bl_idname = "MIXDIFF_PT_size"
    bl_label = "Size"
    bl_parent_id = CanvasPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: Any) -> None:
        """Draw the canvas's size, also while the panel is folded."""
        canvas = canvas_of(context.scene)
        self.layout.label(text=f"{canvas.width_px} × {canvas.height_px} px")

    def draw(self, context: Any) -> None:
        """Draw what the canvas's size and shape come from."""
        layout = split_column(self.layout)
        settings, render = canvas_settings(context.scene), context.scene.render
        layout.prop(settings, "look")
        layout.prop(settings, "canvas_size")
        column = layout.column(align=True)
        column.prop(render, "resolution_x", text="Render Width")
        column.prop(render, "resolution_y", text="Height")
        column.prop(render, "resolution_percentage", text="Scale")
        canvas = canvas_of(context.scene)
        share = render.resolution_percentage / 100
        exact = (render.resolution_x * share, render.resolution_y * share)
        is_off = exact != (canvas.width_px, canvas.height_px)
        if settings.canvas_size == RENDER_SIZE and is_off:
            layout.label(text=f"Generated to the nearest {canvas.grid_px} px", icon="INFO")
        if canvas.is_panorama:
            layout.prop(settings, "calm_poles_deg")
        else:
            layout.prop(settings, "wrap")
        layout.prop(settings, "tile_size")
        layout.prop(settings, "windows")


class MorePanel(SidebarPanel):
    """What seldom needs to be changed."""

    bl_idname = "MIXDIFF_PT_painting"
    bl_label = "More"
    bl_parent_id = CanvasPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """Draw the rest of what a job has."""
        settings = canvas_settings(context.scene)
        column = split_column(self.layout)
        for name in ("prompt_syntax", "noise_device", "cpu_vae", "decode_steps"):
            column.prop(settings, name)


CLASSES = (PromptPanel, BasePanel, CanvasPanel, SizePanel, MorePanel)
