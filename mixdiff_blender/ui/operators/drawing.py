"""Drawing a region as a rectangle over the camera's view."""

from __future__ import annotations

from typing import Any

from ...contract import EngineError, Rectangle, Text2ImageRegion
from ...job.regions.camera import is_panorama
from ...job.regions.helper_planes import add_plane, bounds_on, placement_of
from ...job.regions.marking import mark
from ...job.regions.sphere_patches import add_patch
from ...properties import TYPE_ITEMS, region_settings
from ...properties.contexts import scene_in, select
from ...properties.declarations import BoolProperty, EnumProperty, declared
from ..dragging import RectangleDrawing, check_viewport, is_camera_view
from ..moving import held_under
from .base import Result, UndoableOperator
from .drawn import DrawnOperator
from .selection import camera_problem


class DrawRegion(DrawnOperator, UndoableOperator):
    """Drag a rectangle over the camera's view: it becomes a region that moves with the camera"""

    bl_idname = "mixdiff.draw_region"
    bl_label = "Draw MixDiff Region"
    icon = "GREASEPENCIL"
    requirements = (camera_problem,)

    row_init: int = declared(Rectangle, subtype="PIXEL")
    row_end: int = declared(Rectangle, subtype="PIXEL")
    col_init: int = declared(Rectangle, subtype="PIXEL")
    col_end: int = declared(Rectangle, subtype="PIXEL")
    type: str = EnumProperty(
        name="Type", description="What fills the region (type)", items=TYPE_ITEMS
    )
    prompt: str = declared(Text2ImageRegion, options={"SKIP_SAVE"})

    wait_for_input = BoolProperty(
        name="Wait for Input",
        description="Wait until the button is pressed; else begin where it is pressed now",
        default=True,
        options={"HIDDEN", "SKIP_SAVE"},
    )
    over_others = BoolProperty(
        name="Over Others",
        description="Begin over another drawn region too; else leave it to what drags that one",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    _drawing: RectangleDrawing

    def invoke(self, context: Any, event: Any) -> Result:
        """Look through the camera, and wait for the mouse."""
        return self.reporting(lambda context: self._begin(context, event), context)

    def _begin(self, context: Any, event: Any) -> Result:
        check_viewport(context)
        if self.wait_for_input:
            self._drawing = RectangleDrawing(context)
        elif not is_camera_view(context):
            context.region_data.view_perspective = "CAMERA"
            self.report({"INFO"}, "This is the camera's view: drag a rectangle over it")
            return {"CANCELLED"}
        elif not self.over_others and held_under(context, event):
            return {"PASS_THROUGH"}
        else:
            self._drawing = RectangleDrawing(context, event)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def take(self) -> None:
        """Note the rectangle's sides."""
        sides = self._drawing.rectangle.bounds
        self.row_init, self.row_end, self.col_init, self.col_end = sides

    def run(self, context: Any) -> None:
        """Add the plane that fills the rectangle."""
        if self.row_init >= self.row_end or self.col_init >= self.col_end:
            advice = "drag from one corner to the opposite one"
            raise EngineError("The rectangle is empty", kind="job", advice=advice)
        scene = scene_in(context)
        bounds = bounds_on(scene, self.row_init, self.row_end, self.col_init, self.col_end)
        depsgraph = context.evaluated_depsgraph_get()
        if is_panorama(scene):
            plane = add_patch(scene, depsgraph, context.collection, bounds)
        else:
            placement = placement_of(scene, depsgraph, bounds)
            plane = add_plane(scene, context.collection, placement)
        settings = region_settings(plane)
        settings.guide = True
        settings.prompt = self.prompt
        select(context, plane)
        mark(scene, plane, self.type)


def draw_add_menu(layout: Any, text: str = "Draw Region") -> None:
    """Add what draws regions to a menu."""
    layout.operator_context = "INVOKE_REGION_WIN"
    DrawRegion.button(layout, text)


CLASSES = (DrawRegion,)
