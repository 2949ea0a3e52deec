"""Models: choosing one that is known to work, fetching it from the hub, removing it."""

from __future__ import annotations

from typing import Any

import bpy

from ...backend import engine, machine, machine_task, models
from ...contract import BUNDLED_MODEL, Fit
from ...job.model_facts import model_path
from ...job.model_settings import use_model_settings
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import Declaring, StringProperty
from .base import (
    RENDER_MENU,
    Confirmed,
    ReportingOperator,
    UndoableOperator,
    entries,
    require,
    submenu,
)


class _OfModel(Declaring):
    """Acts on a model of the hub."""

    model = StringProperty(
        name="Model", description="The model's name on the hub; empty for the scene's"
    )

    def name_in(self, context: Any) -> str:
        """Return the model's name."""
        return self.model or canvas_settings(scene_in(context)).model


class ChooseModel(_OfModel, ReportingOperator):
    """Use this model for the scene"""

    bl_idname = "mixdiff.choose_model"
    bl_label = "Choose MixDiff Model"
    bl_options = {"UNDO"}

    def run(self, context: Any) -> None:
        """Set the scene's model."""
        canvas_settings(scene_in(context)).model = self.name_in(context)


class UseModelSettings(UndoableOperator):
    """Set steps, guidance and sampler to what suits the model, also in every region"""

    bl_idname = "mixdiff.use_model_settings"
    bl_label = "Use the MixDiff Model's Settings"
    icon = "LOOP_BACK"

    def run(self, context: Any) -> None:
        """Set them."""
        use_model_settings(scene_in(context))


class DownloadModel(_OfModel, ReportingOperator):
    """Fetch the model from the hub to this computer, into the folder that other tools use too"""

    bl_idname = "mixdiff.download_model"
    bl_label = "Download MixDiff Model"
    icon = "IMPORT"
    requirements = (require(lambda _: not models.task.is_active, "A model is being downloaded"),)

    def run(self, context: Any) -> None:
        """Begin; without a window, return when it is there."""
        models.start(model_path(self.name_in(context)) or BUNDLED_MODEL)
        if bpy.app.background:
            engine.wait_for(models.task)


class CancelDownload(ReportingOperator):
    """Stop downloading; what has arrived is kept for the next time"""

    bl_idname = "mixdiff.cancel_download"
    bl_label = "Cancel MixDiff Model Download"
    icon = "X"
    requirements = (require(lambda _: models.task.is_active, "No model is being downloaded"),)

    def run(self, context: Any) -> None:
        """Ask for the end."""
        models.task.cancel()
        engine.redraw()


class RemoveModel(Confirmed, _OfModel, ReportingOperator):
    """Remove the model from this computer, also for other tools that use it"""

    bl_idname = "mixdiff.remove_model"
    bl_label = "Remove Downloaded MixDiff Model"
    icon = "TRASH"
    requirements = (
        require(
            lambda _: not (engine.queue.is_busy or models.task.is_active),
            "A picture is being made, or a model downloaded",
        ),
    )

    def run(self, context: Any) -> None:
        """Remove it."""
        models.remove(self.name_in(context))


class LookAtComputer(ReportingOperator):
    """Have the engine say what this computer has, so that the list begins with what fits it"""

    bl_idname = "mixdiff.look_at_computer"
    bl_label = "See What Fits This Computer"
    icon = "MEMORY"
    requirements = (
        require(lambda _: not machine_task.task.is_active, "This computer is being looked at"),
    )

    def run(self, context: Any) -> None:
        """Begin; without a window, return when it is known."""
        machine_task.start()
        if bpy.app.background:
            engine.wait_for(machine_task.task)


_HEADINGS: dict[Fit | None, str] = {
    "fits": "Fits This Computer",
    None: "Not Known",
    "slower": "Slower on This Computer",
    "too large": "Too Large for This Computer",
}


class ModelsMenu(bpy.types.Menu):
    """Models that are known to work, what fits first, and what can be done with the scene's."""

    bl_idname = "MIXDIFF_MT_models"
    bl_label = "MixDiff Models"

    def draw(self, context: Any) -> None:
        """Draw the list, then the entries; F3 finds them here."""
        layout: Any = self.layout
        heading = ""
        for model in models.all_listed():
            if machine.known() and heading != _HEADINGS[model.fit]:
                heading = _HEADINGS[model.fit]
                layout.label(text=heading)
            icon = "CHECKMARK" if model.is_here else "IMPORT"
            ChooseModel.button(layout, model.text, icon, model=model.id)
        layout.separator()
        LookAtComputer.button(layout)
        for operator in (UseModelSettings, DownloadModel, CancelDownload, RemoveModel):
            operator.button(layout)


CLASSES = (
    ChooseModel,
    UseModelSettings,
    DownloadModel,
    CancelDownload,
    RemoveModel,
    LookAtComputer,
    ModelsMenu,
)
MENUS = ((RENDER_MENU, entries(submenu(ModelsMenu, "FILE_3D"))),)
