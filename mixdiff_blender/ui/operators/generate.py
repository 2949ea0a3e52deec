"""Making a picture, and giving up one that is being made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...backend import engine
from ...contract import EngineError
from ...job.job_from_scene import has_something_to_paint
from ...job.regions.entries import has_region
from ...properties.contexts import scene_in
from ...properties.declarations import props
from ...results import generation

Result = set[Any]


class Generate(bpy.types.Operator):
    """Paint the picture that the regions before the camera describe"""

    bl_idname = "mixdiff.generate"
    bl_label = "Generate MixDiff Picture"

    if TYPE_CHECKING:
        wait: bool

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether a picture can be made."""
        scene = scene_in(context)
        if scene.camera is None and has_region(scene):
            cls.poll_message_set("The scene has no camera; add one (Add > Camera)")
        elif not has_something_to_paint(scene):
            cls.poll_message_set(
                "Nothing to paint: type a prompt, or select an object and choose "
                "Object > Add as MixDiff Region"
            )
        else:
            return True
        return False

    def execute(self, context: Any) -> Result:
        """Begin the job; without a window, or told to wait, return when the picture is there."""
        scene = scene_in(context)
        try:
            generation.begin(scene, context.evaluated_depsgraph_get())
        except EngineError as error:
            report = generation.last_report(scene)
            self.report({"ERROR"}, report.text if report else str(error))
            return {"CANCELLED"}
        if not (self.wait or bpy.app.background):
            return {"FINISHED"}
        engine.wait()
        report = generation.last_report(scene)
        if report is None or report.error:
            self.report({"ERROR"}, report.text if report else "There is no picture")
            return {"CANCELLED"}
        for line in report.lines:
            self.report({line.severity}, line.text)
        return {"FINISHED"}


Generate.__annotations__ = {
    "wait": props.BoolProperty(
        name="Wait",
        description="Return only when the picture is there, as always without a window",
        options={"SKIP_SAVE", "HIDDEN"},
    ),
}


class Cancel(bpy.types.Operator):
    """Stop making the picture; an engine that does not stop within seconds is ended"""

    bl_idname = "mixdiff.cancel"
    bl_label = "Cancel MixDiff Picture"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is something to cancel."""
        cls.poll_message_set("No picture is being made")
        return bool(engine.queue.running)

    def execute(self, context: Any) -> Result:
        """Ask for the end; the timer hears of it."""
        engine.queue.cancel()
        engine.redraw()
        return {"FINISHED"}


def draw_render_menu(menu: Any, context: Any) -> None:
    """Add what makes pictures to the Render menu; F3 searches menus."""
    layout = menu.layout
    layout.separator()
    layout.operator(Generate.bl_idname, icon="IMAGE_DATA")
    layout.operator(Cancel.bl_idname, icon="X")


CLASSES = (Generate, Cancel)
MENUS = (("TOPBAR_MT_render", draw_render_menu),)
