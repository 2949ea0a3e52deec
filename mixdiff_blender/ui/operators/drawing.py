"""Drawing a region as a rectangle over the camera's view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...contract import EngineError, Rectangle, Text2ImageRegion
from ...job.regions.helper_planes import add_plane, bounds_on, placement_of
from ...job.regions.marking import mark
from ...properties import TYPE_ITEMS, region_settings
from ...properties.contexts import scene_in
from ...properties.declarations import declared, props
from ..dragging import Dragging, RectangleDrawing
from .selection import camera_problem, select_only

Result = set[Any]


class DrawRegion(bpy.types.Operator):
    """Drag a rectangle over the camera's view: it becomes a region that moves with the camera"""

    bl_idname = "mixdiff.draw_region"
    bl_label = "Draw MixDiff Region"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        row_init: int
        row_end: int
        col_init: int
        col_end: int
        type: str
        prompt: str

    _drawing: RectangleDrawing

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a camera to draw before."""
        if problem := camera_problem(context):
            cls.poll_message_set(problem)
        return not problem

    def invoke(self, context: Any, event: Any) -> Result:
        """Look through the camera, and wait for the mouse."""
        if context.area is None or context.area.type != "VIEW_3D":
            self.report({"ERROR"}, "Draw in a 3D viewport, or give the rectangle's sides")
            return {"CANCELLED"}
        space = context.space_data
        if space.use_local_camera and space.camera != scene_in(context).camera:
            self.report(
                {"ERROR"},
                "This viewport has a camera of its own; switch Local Camera off (sidebar, View)",
            )
            return {"CANCELLED"}
        self._drawing = RectangleDrawing(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> Result:
        """Follow the mouse until the rectangle is drawn or given up."""
        match self._drawing.handle(event):
            case Dragging.GOES_ON:
                return {"RUNNING_MODAL"}
            case Dragging.PASSED_ON:
                return {"PASS_THROUGH"}
            case Dragging.GIVEN_UP:
                self._drawing.end()
                return {"CANCELLED"}
            case Dragging.DONE:
                self._drawing.end()
                top, bottom, left, right = self._drawing.sides_px
                self.row_init, self.row_end = top, bottom
                self.col_init, self.col_end = left, right
                return self.execute(context)

    def cancel(self, context: Any) -> None:
        """Leave nothing behind when Blender ends the drawing."""
        self._drawing.end()

    def execute(self, context: Any) -> Result:
        """Add the plane that fills the rectangle."""
        if self.row_init >= self.row_end or self.col_init >= self.col_end:
            message = "The rectangle is empty; drag from one corner to the opposite one"
            self.report({"ERROR"}, message)
            return {"CANCELLED"}
        scene = scene_in(context)
        sides = (self.row_init, self.row_end, self.col_init, self.col_end)
        try:
            bounds = bounds_on(scene, *sides)
            placement = placement_of(scene, context.evaluated_depsgraph_get(), bounds)
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        plane = add_plane(scene, context.collection, placement)
        settings = region_settings(plane)
        settings.guide = True
        settings.prompt = self.prompt
        select_only(context, plane)
        mark(scene, plane, self.type)
        return {"FINISHED"}


DrawRegion.__annotations__ = {
    **{
        name: declared(Rectangle, name, subtype="PIXEL")
        for name in ("row_init", "row_end", "col_init", "col_end")
    },
    "type": props.EnumProperty(
        name="Type", description="What fills the region (type)", items=TYPE_ITEMS
    ),
    "prompt": declared(Text2ImageRegion, "prompt", options={"SKIP_SAVE"}),
}


def draw_add_menu(layout: Any) -> None:
    """Add what draws regions to a menu."""
    layout.operator_context = "INVOKE_REGION_WIN"
    layout.operator(DrawRegion.bl_idname, text="Draw Region", icon="GREASEPENCIL")


CLASSES = (DrawRegion,)
