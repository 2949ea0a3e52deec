"""A drawn rectangle that is held by its inside, a side or a corner, and dragged along the view."""

from __future__ import annotations

from typing import Any

from ..contract import Rectangle
from ..job.regions.camera import canvas_of
from ..job.regions.drawn_rectangles import DrawnRectangle, drawn_rectangles, place_rectangle
from ..properties.contexts import scene_in, select, view_layer_in
from .dragging import PASSED_ON, Drag, Dragging, is_camera_view, size_text
from .grips import HANDLES, INSIDE, Grip, box_of, dragged, grip_at
from .overlay.frame import frame_in

_REACH_PX = 7  # how far from a side the mouse still holds it, at the interface's scale 1


def reach_px(context: Any) -> float:
    """Return how far from a side the mouse still holds it, in pixels of the viewport."""
    return _REACH_PX * context.preferences.system.ui_scale  # type: ignore[no-any-return]


def held_under(context: Any, event: Any) -> tuple[DrawnRectangle, Grip] | None:
    """Return what the mouse would drag from where it is in the viewport, if anything.

    That is the active rectangle by a side or corner, or the foremost one by its inside.

    Raises: EngineError of kind `job`, as `find_camera`.
    """
    if not is_camera_view(context):
        return None
    scene, depsgraph = scene_in(context), context.evaluated_depsgraph_get()
    frame = frame_in(scene, depsgraph, context.region, context.region_data)
    x, y = event.mouse_region_x, event.mouse_region_y
    found = drawn_rectangles(scene, depsgraph)
    boxes = [box_of(one.bounds, canvas_of(scene), frame) for one in found]
    active = view_layer_in(context).objects.active
    for one, box in zip(found, boxes, strict=True):
        grip = grip_at(box, x, y, reach_px(context))
        if one.object == active and grip in HANDLES:
            return one, grip
    held = (one for one, box in zip(found, boxes, strict=True) if box.holds(x, y))
    return next(((one, INSIDE) for one in held), None)


class RectangleMoving(Drag):
    """Takes a drawn rectangle along with the mouse, and can put everything back."""

    def __init__(self, context: Any, event: Any, held: DrawnRectangle, grip: Grip) -> None:
        super().__init__(context, grip.cursor)
        self.object = held.object
        self.rectangle = self._began = held.on(self.canvas)
        """Where it is to be, and where it was."""
        self._grip = grip
        self._start = self.on_canvas(event)
        self._pressed = self._mouse = (event.mouse_x, event.mouse_y)
        self._threshold_px = context.preferences.inputs.drag_threshold_mouse
        self._basis = self.object.matrix_basis.copy()
        objects = view_layer_in(context).objects
        self._selection = (objects.active, list(objects.selected))
        self._is_begun = False
        select(context, self.object)
        self._show_hint()

    @property
    def changes(self) -> bool:
        """Whether anything is other than before."""
        return self.rectangle != self._began or self._selection != (self.object, [self.object])

    def handle(self, event: Any) -> Dragging:
        """Take an event of the window."""
        if event.type in {"ESC", "RIGHTMOUSE"}:
            return Dragging.GIVEN_UP
        if event.type in PASSED_ON:
            return Dragging.PASSED_ON
        is_let_go = event.type == "LEFTMOUSE" and event.value == "RELEASE"
        mouse = (event.mouse_x, event.mouse_y)
        # Ctrl may be let go together with the button: what was shown last counts.
        if not is_let_go or mouse != self._mouse:
            self._follow(event)
        self._mouse = mouse
        return Dragging.DONE if is_let_go else Dragging.GOES_ON

    def put_back(self, context: Any) -> None:
        """Undo what was done to the rectangle and to the selection."""
        active, selected = self._selection
        if self.rectangle != self._began:
            self._place(self._began)
        self.object.matrix_basis = self._basis
        select(context, None)
        for obj in selected:
            obj.select_set(True)
        view_layer_in(context).objects.active = active

    def _follow(self, event: Any) -> None:
        away = max(abs(event.mouse_x - self._pressed[0]), abs(event.mouse_y - self._pressed[1]))
        self._is_begun = self._is_begun or away >= self._threshold_px
        if not self._is_begun:
            return
        x, y = self.on_canvas(event)
        rows, columns = y - self._start[1], x - self._start[0]
        to = dragged(self._began, self._grip, rows, columns, self.canvas, snaps=event.ctrl)
        if to != self.rectangle:
            self.rectangle = to
            self._place(to)
        self._show_hint()

    def _place(self, to: Rectangle) -> None:
        depsgraph = self._layer.depsgraph
        assert depsgraph is not None
        place_rectangle(self.scene, depsgraph, self.object, to)

    def _show_hint(self) -> None:
        self.show_hint(size_text(self.rectangle))
