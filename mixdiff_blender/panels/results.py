"""What to do with the picture."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.results import KeepSeed, UseAsTexture, UseInCompositor
from ..properties import canvas_settings
from .sidebar import SidebarPanel


class ResultPanel(SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """What to do with the picture."""

    bl_idname = "MIXDIFF_PT_result"
    bl_label = "Result"
    bl_order = 6

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


CLASSES = (ResultPanel,)
