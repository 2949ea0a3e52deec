"""The engine itself: installing it, ending it, its memory, its queue, and a report of it."""

from __future__ import annotations

from typing import Any

import bpy

from ...backend import engine, idle, installing, report
from ...backend.installation.faults import gigabytes
from ...backend.states import Job
from ...contract import EngineError
from ...properties.declarations import BoolProperty, Declaring, IntProperty
from .base import RENDER_MENU, Confirmed, ReportingOperator, Requirement, entries, require, submenu


class InstallEngine(ReportingOperator):
    """Fetch what paints the pictures into a folder of the extension's own"""

    bl_idname = "mixdiff.install_engine"
    bl_label = "Install MixDiff Engine"
    icon = "IMPORT"
    requirements = (
        require(lambda _: not installing.task.is_active, "The engine is being installed"),
        require(
            lambda _: not engine.queue.is_busy,
            "A picture is being made; wait until it is there, or cancel it",
        ),
    )

    afresh = BoolProperty(
        name="Repair",
        description="Fetch everything again, also what seems to be there",
        options={"SKIP_SAVE"},
    )

    def run(self, context: Any) -> None:
        """Begin; without a window, return when it is through."""
        installing.start(afresh=self.afresh)
        if bpy.app.background:
            engine.wait_for(installing.task)


class InstallRay(ReportingOperator):
    """Fetch what a Ray cluster needs into the engine's environment"""

    bl_idname = "mixdiff.install_ray"
    bl_label = "Install Ray for MixDiff"
    icon = "IMPORT"
    requirements = (
        *InstallEngine.requirements,
        require(lambda _: installing.status().is_own, "The engine runs in a Python of your own"),
        require(lambda _: installing.status().lacks_ray, "It is there"),
    )

    def run(self, context: Any) -> None:
        """Begin; without a window, return when it is through."""
        installing.start_ray()
        if bpy.app.background:
            engine.wait_for(installing.task)


class CancelInstallation(ReportingOperator):
    """Stop installing; what has arrived is kept for the next time"""

    bl_idname = "mixdiff.cancel_installation"
    bl_label = "Cancel MixDiff Engine Installation"
    icon = "X"
    requirements = (
        require(lambda _: installing.task.is_active, "The engine is not being installed"),
    )

    def run(self, context: Any) -> None:
        """Ask for the end; the timer sees it."""
        installing.task.cancel()
        engine.redraw()


def _can_remove(context: Any) -> bool:
    is_idle = not (installing.task.is_active or engine.queue.is_busy)
    return is_idle and installing.status().environment != "absent"


class RemoveEngine(Confirmed, ReportingOperator):
    """Remove the engine and everything that was fetched for it; models stay where they are"""

    bl_idname = "mixdiff.remove_engine"
    bl_label = "Remove MixDiff Engine"
    icon = "TRASH"
    requirements = (require(_can_remove, "The extension has installed no engine, or is at work"),)

    def run(self, context: Any) -> None:
        """Remove it."""
        size = gigabytes(installing.plan().size_bytes())
        installing.uninstall()
        self.report({"INFO"}, f"The engine is removed: {size} are free again")


class StopEngine(ReportingOperator):
    """End the engine with all its jobs; the next picture starts it again"""

    bl_idname = "mixdiff.stop_engine"
    bl_label = "Stop MixDiff Engine"
    icon = "QUIT"
    requirements = (require(lambda _: engine.is_running(), "The engine does not run"),)

    def run(self, context: Any) -> None:
        """End it."""
        engine.stop()
        engine.redraw()


class FreeMemory(ReportingOperator):
    """Give the memory back that the model takes; the next picture loads it again"""

    bl_idname = "mixdiff.free_memory"
    bl_label = "Free MixDiff Engine Memory"
    icon = "MEMORY"
    requirements = (
        require(lambda _: not engine.queue.is_busy, "A picture is being made"),
        require(lambda _: engine.session.has_model, "No model is in memory"),
    )

    def run(self, context: Any) -> None:
        """Free it."""
        idle.free_now()


class CopyReport(ReportingOperator):
    """Copy versions, devices and the log's last lines, without secrets, for a bug report"""

    bl_idname = "mixdiff.copy_report"
    bl_label = "Copy MixDiff Report"
    icon = "COPYDOWN"

    def run(self, context: Any) -> None:
        """Put the report on the clipboard."""
        context.window_manager.clipboard = report.report_text()
        self.report({"INFO"}, "The report is on the clipboard")


class _OfWaitingJob(Declaring):
    """Acts on a job of the queue."""

    requirements: tuple[Requirement, ...] = (
        require(lambda _: engine.queue.waiting, "No picture waits"),
    )

    index = IntProperty(
        name="Index",
        description="Which of the waiting pictures, counted from 0; -1 is the last",
        default=-1,
    )

    def job(self) -> Job:
        """Return the job.

        Raises: EngineError where there is none at the index.
        """
        queue = engine.queue.waiting
        if not -len(queue) <= self.index < len(queue):
            raise EngineError(f"Only {len(queue)} pictures wait", kind="job")
        return queue[self.index]


class RemoveJob(_OfWaitingJob, ReportingOperator):
    """Take a picture that waits out of the queue; others go on"""

    bl_idname = "mixdiff.remove_job"
    bl_label = "Remove Waiting MixDiff Picture"
    icon = "REMOVE"

    def run(self, context: Any) -> None:
        """Remove it."""
        engine.queue.skip(self.job())
        engine.redraw()


class MoveJob(_OfWaitingJob, ReportingOperator):
    """Have a picture that waits made earlier or later"""

    bl_idname = "mixdiff.move_job"
    bl_label = "Move Waiting MixDiff Picture"
    icon = "SORT_DESC"

    places = IntProperty(name="Places", description="How far: -1 is one place earlier", default=-1)

    def run(self, context: Any) -> None:
        """Move it."""
        engine.queue.move(self.job(), self.places)
        engine.redraw()


class EngineMenu(bpy.types.Menu):
    """What can be done with the engine."""

    bl_idname = "MIXDIFF_MT_engine"
    bl_label = "MixDiff Engine"

    def draw(self, context: Any) -> None:
        """Draw the entries; F3 finds them here."""
        for operator in _OPERATORS:
            operator.button(self.layout)


_OPERATORS: tuple[type[ReportingOperator], ...] = (
    *(InstallEngine, InstallRay, CancelInstallation, RemoveEngine),
    *(StopEngine, FreeMemory, CopyReport, MoveJob, RemoveJob),
)


CLASSES = (*_OPERATORS, EngineMenu)
MENUS = ((RENDER_MENU, entries(submenu(EngineMenu, "SYSTEM"))),)
