"""The engine itself: installing it, ending it, its memory, its queue, and a report of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...backend import engine, idle, installing, report
from ...backend.installation.faults import gigabytes
from ...contract import EngineError
from ...properties.declarations import props

Result = set[Any]


class InstallEngine(bpy.types.Operator):
    """Fetch what paints the pictures into a folder of the extension's own"""

    bl_idname = "mixdiff.install_engine"
    bl_label = "Install MixDiff Engine"

    if TYPE_CHECKING:
        afresh: bool

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether the engine can be installed now."""
        if installing.task.is_active:
            cls.poll_message_set("The engine is being installed")
        elif engine.queue.is_busy:
            cls.poll_message_set("A picture is being made; wait until it is there, or cancel it")
        else:
            return True
        return False

    def execute(self, context: Any) -> Result:
        """Begin; without a window, return when it is through."""
        try:
            installing.start(afresh=self.afresh)
            if bpy.app.background:
                engine.wait_for(installing.task)
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


InstallEngine.__annotations__ = {
    "afresh": props.BoolProperty(
        name="Repair",
        description="Fetch everything again, also what seems to be there",
        options={"SKIP_SAVE"},
    ),
}


class CancelInstallation(bpy.types.Operator):
    """Stop installing; what has arrived is kept for the next time"""

    bl_idname = "mixdiff.cancel_installation"
    bl_label = "Cancel MixDiff Engine Installation"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is something to cancel."""
        cls.poll_message_set("The engine is not being installed")
        return installing.task.is_active

    def execute(self, context: Any) -> Result:
        """Ask for the end; the timer hears of it."""
        installing.task.cancel()
        engine.redraw()
        return {"FINISHED"}


class RemoveEngine(bpy.types.Operator):
    """Remove the engine and everything that was fetched for it; models stay where they are"""

    bl_idname = "mixdiff.remove_engine"
    bl_label = "Remove MixDiff Engine"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is an engine to remove."""
        cls.poll_message_set("The extension has installed no engine, or is at work")
        is_idle = not (installing.task.is_active or engine.queue.is_busy)
        return is_idle and installing.status().environment != "absent"

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask first."""
        manager: Any = context.window_manager
        answer: Result = manager.invoke_confirm(self, event)
        return answer

    def execute(self, context: Any) -> Result:
        """Remove it."""
        size = gigabytes(installing.plan().size_bytes())
        try:
            installing.uninstall()
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"The engine is removed: {size} are free again")
        return {"FINISHED"}


class StopEngine(bpy.types.Operator):
    """End the engine with all its jobs; the next picture starts it again"""

    bl_idname = "mixdiff.stop_engine"
    bl_label = "Stop MixDiff Engine"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether an engine runs."""
        cls.poll_message_set("The engine does not run")
        return engine.session.engine_pid is not None

    def execute(self, context: Any) -> Result:
        """End it."""
        engine.stop()
        engine.redraw()
        return {"FINISHED"}


class FreeMemory(bpy.types.Operator):
    """Give the memory back that the model takes; the next picture loads it again"""

    bl_idname = "mixdiff.free_memory"
    bl_label = "Free MixDiff Engine Memory"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether a model is in memory, and unused."""
        if engine.queue.is_busy:
            cls.poll_message_set("A picture is being made")
        elif not engine.session.has_model:
            cls.poll_message_set("No model is in memory")
        else:
            return True
        return False

    def execute(self, context: Any) -> Result:
        """Free it."""
        idle.free_now()
        return {"FINISHED"}


class CopyReport(bpy.types.Operator):
    """Copy versions, devices and the log's last lines, without secrets, for a bug report"""

    bl_idname = "mixdiff.copy_report"
    bl_label = "Copy MixDiff Report"

    def execute(self, context: Any) -> Result:
        """Put the report on the clipboard."""
        context.window_manager.clipboard = report.report_text()
        self.report({"INFO"}, "The report is on the clipboard")
        return {"FINISHED"}


class _QueueOperator:
    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether pictures wait."""
        cls.poll_message_set("No picture waits")  # type: ignore[attr-defined]
        return bool(engine.queue.waiting)


class RemoveJob(_QueueOperator, bpy.types.Operator):
    """Take a picture that waits out of the queue"""

    bl_idname = "mixdiff.remove_job"
    bl_label = "Remove Waiting MixDiff Picture"

    if TYPE_CHECKING:
        index: int

    def execute(self, context: Any) -> Result:
        """Remove it."""
        waiting = engine.queue.waiting
        if not -len(waiting) <= self.index < len(waiting):
            self.report({"ERROR"}, f"Only {len(waiting)} pictures wait")
            return {"CANCELLED"}
        engine.queue.remove(waiting[self.index])
        engine.redraw()
        return {"FINISHED"}


class MoveJob(_QueueOperator, bpy.types.Operator):
    """Have a picture that waits made earlier or later"""

    bl_idname = "mixdiff.move_job"
    bl_label = "Move Waiting MixDiff Picture"

    if TYPE_CHECKING:
        index: int
        places: int

    def execute(self, context: Any) -> Result:
        """Move it."""
        waiting = engine.queue.waiting
        if not -len(waiting) <= self.index < len(waiting):
            self.report({"ERROR"}, f"Only {len(waiting)} pictures wait")
            return {"CANCELLED"}
        engine.queue.move(waiting[self.index], self.places)
        engine.redraw()
        return {"FINISHED"}


_INDEX = props.IntProperty(
    name="Index",
    description="Which of the waiting pictures, counted from 0; -1 is the last",
    default=-1,
)
RemoveJob.__annotations__ = {"index": _INDEX}
MoveJob.__annotations__ = {
    "index": _INDEX,
    "places": props.IntProperty(
        name="Places", description="How far: -1 is one place earlier", default=-1
    ),
}


class EngineMenu(bpy.types.Menu):
    """What can be done with the engine."""

    bl_idname = "MIXDIFF_MT_engine"
    bl_label = "MixDiff Engine"

    def draw(self, context: Any) -> None:
        """Draw the entries; F3 finds them here."""
        layout: Any = self.layout
        for cls, icon in _ENTRIES:
            layout.operator(cls.bl_idname, icon=icon)


_ENTRIES: tuple[tuple[Any, str], ...] = (
    (InstallEngine, "IMPORT"),
    (CancelInstallation, "X"),
    (RemoveEngine, "TRASH"),
    (StopEngine, "QUIT"),
    (FreeMemory, "MEMORY"),
    (CopyReport, "COPYDOWN"),
    (MoveJob, "SORT_DESC"),
    (RemoveJob, "REMOVE"),
)


def draw_engine_menu(menu: Any, context: Any) -> None:
    """Add the engine's menu to the Render menu."""
    menu.layout.menu(EngineMenu.bl_idname, icon="SYSTEM")


CLASSES = (*(cls for cls, _ in _ENTRIES), EngineMenu)
MENUS = (("TOPBAR_MT_render", draw_engine_menu),)
