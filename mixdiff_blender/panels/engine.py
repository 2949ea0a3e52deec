"""The engine's state, and the picture as a whole."""

from __future__ import annotations

from typing import Any

import bpy

from .. import running
from ..properties import canvas_settings
from ..session import Failed
from ..wording import state_text
from .sidebar import SidebarPanel


class EnginePanel(SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
    """The picture as a whole."""

    bl_idname = "MIXDIFF_PT_engine"
    bl_label = "MixDiff"
    bl_order = 0

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


CLASSES = (EnginePanel,)
