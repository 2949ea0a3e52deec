"""Models: choosing one that is known to work, fetching it from the hub, removing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...backend import engine, models
from ...contract import EngineError
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import props

Result = set[Any]

_MODEL = props.StringProperty(
    name="Model", description="The model's name on the hub; empty for the scene's"
)


def _named(operator: Any, context: Any) -> str:
    name: str = operator.model or canvas_settings(scene_in(context)).model
    return name


class ChooseModel(bpy.types.Operator):
    """Use this model for the scene"""

    bl_idname = "mixdiff.choose_model"
    bl_label = "Choose MixDiff Model"
    bl_options = {"UNDO"}

    if TYPE_CHECKING:
        model: str

    def execute(self, context: Any) -> Result:
        """Set the scene's model."""
        if self.model:
            canvas_settings(scene_in(context)).model = self.model
        return {"FINISHED"}


class DownloadModel(bpy.types.Operator):
    """Fetch the model from the hub to this computer, into the folder that other tools use too"""

    bl_idname = "mixdiff.download_model"
    bl_label = "Download MixDiff Model"

    if TYPE_CHECKING:
        model: str

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether a download can begin."""
        cls.poll_message_set("A model is being downloaded")
        return not models.task.is_active

    def execute(self, context: Any) -> Result:
        """Begin; without a window, return when it is there."""
        try:
            models.start(_named(self, context))
            if bpy.app.background:
                engine.wait_for(models.task)
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class CancelDownload(bpy.types.Operator):
    """Stop downloading; what has arrived is kept for the next time"""

    bl_idname = "mixdiff.cancel_download"
    bl_label = "Cancel MixDiff Model Download"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is something to cancel."""
        cls.poll_message_set("No model is being downloaded")
        return models.task.is_active

    def execute(self, context: Any) -> Result:
        """Ask for the end."""
        models.task.cancel()
        engine.redraw()
        return {"FINISHED"}


class RemoveModel(bpy.types.Operator):
    """Remove the model from this computer, also for other tools that use it"""

    bl_idname = "mixdiff.remove_model"
    bl_label = "Remove Downloaded MixDiff Model"

    if TYPE_CHECKING:
        model: str

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether nothing uses models just now."""
        cls.poll_message_set("A picture is being made, or a model downloaded")
        return not (engine.queue.is_busy or models.task.is_active)

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask first."""
        manager: Any = context.window_manager
        answer: Result = manager.invoke_confirm(self, event)
        return answer

    def execute(self, context: Any) -> Result:
        """Remove it."""
        try:
            models.remove(_named(self, context))
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


for _cls in (ChooseModel, DownloadModel, RemoveModel):
    _cls.__annotations__ = {"model": _MODEL}


class ModelsMenu(bpy.types.Menu):
    """Models that are known to work, and what can be done with the scene's."""

    bl_idname = "MIXDIFF_MT_models"
    bl_label = "MixDiff Models"

    def draw(self, context: Any) -> None:
        """Draw the list, then the entries; F3 finds them here."""
        layout: Any = self.layout
        for model in models.all_listed():
            icon = "CHECKMARK" if model.is_here else "IMPORT"
            layout.operator(ChooseModel.bl_idname, text=model.text, icon=icon).model = model.id
        layout.separator()
        layout.operator(DownloadModel.bl_idname, icon="IMPORT")
        layout.operator(CancelDownload.bl_idname, icon="X")
        layout.operator(RemoveModel.bl_idname, icon="TRASH")


def draw_models_menu(menu: Any, context: Any) -> None:
    """Add the models' menu to the Render menu."""
    menu.layout.menu(ModelsMenu.bl_idname, icon="FILE_3D")


CLASSES = (ChooseModel, DownloadModel, CancelDownload, RemoveModel, ModelsMenu)
MENUS = (("TOPBAR_MT_render", draw_models_menu),)
