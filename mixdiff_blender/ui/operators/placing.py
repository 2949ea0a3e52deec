"""Moving and scaling drawn regions along the camera's view."""

from __future__ import annotations

from typing import Any

from ...contract import EngineError, Rectangle
from ...job.regions.camera import canvas_of
from ...job.regions.drawn_rectangles import drawn_rectangle, place_rectangle
from ...properties.contexts import scene_in, select, view_layer_in
from ...properties.declarations import StringProperty, declared
from ..dragging import Dragging
from ..moving import RectangleMoving, held_under
from .base import Result, UndoableOperator
from .selection import camera_problem


class PlaceRegion(UndoableOperator):
    """Drag a drawn region by its inside, or a side or corner of the active one"""

    bl_idname = "mixdiff.place_region"
    bl_label = "Place MixDiff Region"
    requirements = (camera_problem,)

    region = StringProperty(
        name="Region",
        description="The drawn region's object; empty for the active one",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    row_init: int = declared(Rectangle, subtype="PIXEL")
    row_end: int = declared(Rectangle, subtype="PIXEL")
    col_init: int = declared(Rectangle, subtype="PIXEL")
    col_end: int = declared(Rectangle, subtype="PIXEL")

    _moving: RectangleMoving

    def invoke(self, context: Any, event: Any) -> Result:
        """Hold what is under the mouse, or leave the event to others."""
        return self.reporting(lambda context: self._begin(context, event), context)

    def _begin(self, context: Any, event: Any) -> Result:
        held = held_under(context, event)
        if held is None:
            return {"PASS_THROUGH"}
        self._moving = RectangleMoving(context, event, *held)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> Result:
        """Follow the mouse until the button is let go or the drag is given up."""
        match self._moving.handle(event):
            case Dragging.GOES_ON:
                return {"RUNNING_MODAL"}
            case Dragging.PASSED_ON:
                return {"PASS_THROUGH"}
            case Dragging.GIVEN_UP:
                self.cancel(context)
                return {"CANCELLED"}
            case Dragging.DONE:
                self._moving.end()
                self.region = self._moving.object.name
                sides = self._moving.rectangle.bounds
                self.row_init, self.row_end, self.col_init, self.col_end = sides
                return {"FINISHED"} if self._moving.changes else {"CANCELLED"}

    def cancel(self, context: Any) -> None:
        """Leave nothing behind, also when Blender ends the drag."""
        self._moving.put_back(context)
        self._moving.end()

    def run(self, context: Any) -> None:
        """Have the region fill the rectangle."""
        scene, depsgraph = scene_in(context), context.evaluated_depsgraph_get()
        objects = view_layer_in(context).objects
        obj = objects.get(self.region) if self.region else objects.active
        drawn = drawn_rectangle(scene, depsgraph, obj) if obj else None
        if drawn is None:
            raise EngineError(
                f"{repr(self.region) if self.region else 'The active object'} is no drawn region "
                "in the camera's view",
                kind="job",
                advice="choose one that Draw MixDiff Region made",
            )
        if self.row_init >= self.row_end or self.col_init >= self.col_end:
            advice = "give a bottom below the top, and a right side right of the left one"
            raise EngineError("The rectangle is empty", kind="job", advice=advice)
        select(context, drawn.object)
        to = Rectangle(
            row_init=self.row_init,
            row_end=self.row_end,
            col_init=self.col_init,
            col_end=self.col_end,
        )
        if to != drawn.on(canvas_of(scene)):
            place_rectangle(scene, depsgraph, drawn.object, to)


CLASSES = (PlaceRegion,)
