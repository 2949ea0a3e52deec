"""The canvas as a whole: its prompts, and how it is generated."""

from __future__ import annotations

from typing import Any

from ...job.regions.camera import canvas_of
from ...properties import canvas_settings
from .sidebar import SidebarPanel, split_column


class PromptPanel(SidebarPanel):
    """What the whole picture is of."""

    bl_idname = "MIXDIFF_PT_prompt"
    bl_label = "Whole Picture"
    bl_order = 1

    def draw(self, context: Any) -> None:
        """Draw the prompts that every region shares."""
        layout = self.layout
        settings = canvas_settings(context.scene)
        column = layout.column(align=True)
        column.prop(settings, "prompt", text="", icon="FONT_DATA", placeholder="Prompt")
        column.prop(
            settings, "negative_prompt", text="", icon="CANCEL", placeholder="Negative prompt"
        )
        layout.prop(settings, "background")


class CanvasPanel(SidebarPanel):
    """How the picture is painted."""

    bl_idname = "MIXDIFF_PT_canvas"
    bl_label = "Canvas"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: Any) -> None:
        """Draw the canvas's size, also while the panel is folded."""
        canvas = canvas_of(context.scene)
        self.layout.label(text=f"{canvas.width_px} × {canvas.height_px} px")

    def draw(self, context: Any) -> None:
        """Draw where the size comes from, and how the picture is painted."""
        settings = canvas_settings(context.scene)
        column = split_column(self.layout)
        column.prop(settings, "num_inference_steps")
        column.prop(settings, "scheduler")
        column.prop(settings, "seed_digits", placeholder="random")


class SizePanel(SidebarPanel):
    """Where the canvas's size comes from."""

    bl_idname = "MIXDIFF_PT_size"
    bl_label = "Size"
    bl_parent_id = CanvasPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """Draw the render's size, which is the canvas's."""
        layout = split_column(self.layout)
        render = context.scene.render
        column = layout.column(align=True)
        column.prop(render, "resolution_x", text="Render Width")
        column.prop(render, "resolution_y", text="Height")
        column.prop(render, "resolution_percentage", text="Scale")
        canvas = canvas_of(context.scene)
        share = render.resolution_percentage / 100
        exact = (render.resolution_x * share, render.resolution_y * share)
        if exact != (canvas.width_px, canvas.height_px):
            layout.label(text=f"Generated to the nearest {canvas.grid_px} px", icon="INFO")
        layout.prop(canvas_settings(context.scene), "tile_size")


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
        for name in ("noise_device", "cpu_vae", "decode_steps"):
            column.prop(settings, name)


CLASSES = (PromptPanel, CanvasPanel, SizePanel, MorePanel)
