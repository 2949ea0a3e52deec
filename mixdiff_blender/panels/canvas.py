"""How the picture is made."""

from __future__ import annotations

from typing import Any

import bpy

from ..contract import DEFAULT_STRIDE_PX
from ..properties import canvas_settings
from ..regions.camera import canvas_of
from .sidebar import SidebarPanel


class CanvasPanel(SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
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


CLASSES = (CanvasPanel,)
