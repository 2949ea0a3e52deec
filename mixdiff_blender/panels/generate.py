"""The button, and how far the picture is."""

from __future__ import annotations

from typing import Any

import bpy

from .. import generation, running
from ..operators.generate import Cancel, Generate
from ..session import Generating
from ..wording import state_text
from .sidebar import LINE_ICONS, SidebarPanel, draw_text


class GeneratePanel(SidebarPanel, bpy.types.Panel):  # type: ignore[misc]
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
            draw_text(layout, context, line.text, LINE_ICONS[line.severity])


CLASSES = (GeneratePanel,)
