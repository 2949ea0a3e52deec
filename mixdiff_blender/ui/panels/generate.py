"""The button, and how far the picture is."""

from __future__ import annotations

from typing import Any

from ...backend import engine, live_preview
from ...backend.session import Generating
from ...backend.wording import state_text
from ...job.job_from_scene import in_words
from ...properties import canvas_settings
from ...results import generation
from ..job_cache import cached_job
from ..operators.generate import Cancel, Generate
from .sidebar import LINE_ICONS, SidebarPanel, draw_text

_PREVIEW_UNITS = 7


class GeneratePanel(SidebarPanel):
    """The button, and how far the picture is."""

    bl_idname = "MIXDIFF_PT_generate"
    bl_label = "Generate"
    bl_order = 5

    def draw_header_preset(self, context: Any) -> None:
        """Draw the switch of the preview in the viewport."""
        settings = canvas_settings(context.scene)
        self.layout.prop(settings, "show_preview", text="", icon="IMAGE_BACKGROUND")

    def draw(self, context: Any) -> None:
        """Draw the button or the progress, then how the last job went."""
        layout = self.layout
        if engine.queue.is_busy:
            self._draw_progress(layout)
            return
        row = layout.row()
        row.scale_y = 1.6
        Generate.button(row, "Generate")
        cached = cached_job(context.scene, context.view_layer)
        if cached.error:
            draw_text(layout, context, str(cached.error), "INFO")
        for problem in cached.job.errors if cached.job else ():
            draw_text(layout, context, in_words(problem), LINE_ICONS["ERROR"])
        report = generation.last_report(context.scene)
        for line in report.lines if report else ():
            draw_text(layout, context, line.text, LINE_ICONS[line.severity])

    def _draw_progress(self, layout: Any) -> None:
        row = layout.row(align=True)
        row.scale_y = 1.6
        bars = row.column(align=True)
        for session in engine.queue.sessions:
            if session.job:
                state = session.state
                share = state.progress.share if isinstance(state, Generating) else 0.0
                bars.progress(factor=share, text=state_text(state))
        Cancel.button(row, "")
        Generate.button(layout, "Queue Another", "ADD")
        for job in engine.queue.running:
            if preview := live_preview.of(job):
                layout.template_icon(icon_value=preview.icon, scale=_PREVIEW_UNITS)


CLASSES = (GeneratePanel,)
