"""The engine's state, what it needs, the queue, and the model."""

from __future__ import annotations

from typing import Any

import bpy

from ...backend import engine, installing, models
from ...backend.background_task import Broken, Running
from ...backend.session import Failed, Stopped
from ...backend.wording import state_text
from ...contract import EngineError
from ...properties import canvas_settings
from ..operators.engine import (
    CancelInstallation,
    CopyReport,
    FreeMemory,
    InstallEngine,
    MoveJob,
    RemoveJob,
    StopEngine,
)
from ..operators.models import DownloadModel, ModelsMenu
from .models import draw_fault, draw_fetching
from .sidebar import SidebarPanel, draw_progress, draw_text, split_column


def draw_installation(layout: Any, context: Any) -> bool:
    """Draw what has to be installed, or is; return whether there was something to draw."""
    task, status = installing.task, installing.status()
    if isinstance(task.state, Running):
        draw_progress(layout, task.state, CancelInstallation)
        return True
    is_missing = status.is_own and status.fault is not None
    is_outdated = status.is_own and status.environment == "outdated"
    if not (is_missing or is_outdated or isinstance(task.state, Broken)):
        return False
    if isinstance(task.state, Broken):
        _draw_error(layout, context, task.state.error)
    elif is_missing:
        layout.label(text="The engine is not installed", icon="INFO")
    else:
        layout.label(text="The engine has an update", icon="INFO")
    if not bpy.app.online_access:
        text = "Blender is set to stay offline: only packages on this computer can be used"
        draw_text(layout, context, text, "INTERNET_OFFLINE")
    row = layout.row()
    row.scale_y = 1.3
    size = installing.plan().needed_bytes / 10**9
    InstallEngine.button(row, "Update" if is_outdated else f"Install (up to {size:.1f} GB)")
    return True


def _draw_error(layout: Any, context: Any, error: EngineError) -> None:
    draw_text(layout, context, str(error), "ERROR")
    CopyReport.button(layout, "Copy Report")


class EnginePanel(SidebarPanel):
    """The picture as a whole."""

    bl_idname = "MIXDIFF_PT_engine"
    bl_label = "MixDiff"
    bl_order = 0

    def draw(self, context: Any) -> None:
        """Draw the engine's state, and what is the same for the whole picture."""
        layout = self.layout
        session = engine.session
        if not draw_installation(layout, context) or not isinstance(session.state, Stopped):
            self._draw_state(layout, context)
        settings = canvas_settings(context.scene)
        row = split_column(layout).row(align=True)
        row.prop(settings, "model")
        row.menu(ModelsMenu.bl_idname, text="", icon="DOWNARROW_HLT")
        self._draw_download(layout, context, settings.model)
        self._draw_queue(layout)

    def _draw_download(self, layout: Any, context: Any, name: str) -> None:
        if draw_fetching(layout) or not models.is_missing(name):
            return
        draw_fault(layout, context)
        size = models.size_text(name)
        DownloadModel.button(layout, f"Download ({size})" if size else "Download")

    def _draw_state(self, layout: Any, context: Any) -> None:
        session = engine.session
        state = session.state
        row = layout.row(align=True)
        icon = "ERROR" if isinstance(state, Failed) else "RADIOBUT_ON"
        row.label(text=state_text(state), icon=icon)
        if session.has_model and not engine.queue.is_busy:
            FreeMemory.button(row, "")
        if session.engine_pid is not None:
            StopEngine.button(row, "")
        if isinstance(state, Failed):
            _draw_error(layout, context, state.error)

    def _draw_queue(self, layout: Any) -> None:
        waiting = engine.queue.waiting
        if not waiting:
            return
        box = layout.box().column(align=True)
        box.label(text=f"{len(waiting)} more to make", icon="LINENUMBERS_ON")
        for index, job in enumerate(waiting):
            row = box.row(align=True)
            row.label(text=job.request.output.name)
            for places, icon in ((-1, "TRIA_UP"), (1, "TRIA_DOWN")):
                MoveJob.button(row, "", icon, index=index, places=places)
            RemoveJob.button(row, "", "X", index=index)


CLASSES = (EnginePanel,)
