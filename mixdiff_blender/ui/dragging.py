"""A drag over the camera's view in a viewport, and the one that draws a rectangle."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..contract import EngineError, Rectangle
from ..job.regions.camera import canvas_of
from ..job.regions.projection import nearest_multiple
from ..properties.contexts import scene_in, view_layer_in
from .overlay.frame import Frame, frame_in

_gpu: Any = gpu  # whose stubs do not say that its functions return anything

_LINE = (1.0, 1.0, 1.0, 1.0)
_SHADOW = (0.0, 0.0, 0.0, 1.0)
PASSED_ON = {"WHEELUPMOUSE", "WHEELDOWNMOUSE", "MOUSEMOVE_PAN", "TRACKPADZOOM"}

Point = tuple[float, float]


class Dragging(Enum):
    """What became of an event."""

    GOES_ON = auto()
    PASSED_ON = auto()
    DONE = auto()
    GIVEN_UP = auto()


def is_camera_view(context: Any) -> bool:
    """Return whether the viewport at hand looks through its scene's camera."""
    space = context.space_data
    if space is None or space.type != "VIEW_3D":
        return False
    view3d = context.region_data or space.region_3d  # none in a header
    looks_through_one: bool = view3d.view_perspective == "CAMERA"
    return looks_through_one and space.camera == scene_in(context).camera


def check_viewport(context: Any) -> None:
    """Make sure that a viewport is at hand that can look through its scene's camera.

    Raises: EngineError of kind `job` where it cannot.
    """
    if context.area is None or context.area.type != "VIEW_3D":
        message = "Draw in a 3D viewport, or give the rectangle's sides"
        raise EngineError(message, kind="job")
    space = context.space_data
    if space.use_local_camera and space.camera != scene_in(context).camera:
        raise EngineError(
            "This viewport has a camera of its own",
            kind="job",
            advice="switch Local Camera off (sidebar, View)",
        )


class Drag:
    """Where the mouse is over the camera's view, and what the window shows of a drag until it ends.

    Units: positions are in pixels of the canvas, rows from the top.
    """

    def __init__(self, context: Any, cursor: str) -> None:
        self.scene = scene_in(context)
        self.canvas = canvas_of(self.scene)
        self.view3d = context.region_data or context.space_data.region_3d
        self._layer = view_layer_in(context)
        self._area = context.area
        windows = (region for region in context.area.regions if region.type == "WINDOW")
        self._region = context.region if context.region_data else next(windows)
        self._window = context.window
        self._window.cursor_modal_set(cursor)

    def end(self) -> None:
        """Leave the viewport as it was."""
        self._window.cursor_modal_restore()
        self._area.header_text_set(None)
        self._area.tag_redraw()

    def show_hint(self, what: str, keys: str = "") -> None:
        """Say in the viewport's header what is done, and with which keys."""
        keys = keys or f"Ctrl: snap to the grid of {self.canvas.grid_px} px  ·  Esc: cancel"
        self._area.header_text_set(f"{what}  ·  {keys}")
        self._area.tag_redraw()

    def on_canvas(self, event: Any) -> Point:
        """Return where the mouse is, on the canvas or beside it."""
        frame = self._frame()
        across = (event.mouse_x - self._region.x - frame.left) / frame.width
        up = (event.mouse_y - self._region.y - frame.bottom) / frame.height
        return across * self.canvas.width_px, (1 - up) * self.canvas.height_px

    def in_viewport(self, x: float, y: float) -> Point:
        """Return where in the viewport a place of the canvas is."""
        frame = self._frame()
        up = 1 - y / self.canvas.height_px
        across = x / self.canvas.width_px
        return frame.left + across * frame.width, frame.bottom + up * frame.height

    def _frame(self) -> Frame:
        depsgraph = self._layer.depsgraph
        assert depsgraph is not None
        return frame_in(self.scene, depsgraph, self._region, self.view3d)


def size_text(rectangle: Rectangle) -> str:
    """Return a rectangle's size and place in words."""
    place = f"{rectangle.col_init}, {rectangle.row_init}"
    return f"{rectangle.width_px} × {rectangle.height_px} px at {place}"


class RectangleDrawing(Drag):
    """Follows the mouse from one corner of a rectangle to the opposite one.

    It waits for the button to be pressed, or begins with the event that pressed it.
    """

    def __init__(self, context: Any, pressed: Any = None) -> None:
        super().__init__(context, "CROSSHAIR")
        self.view3d.view_perspective = "CAMERA"
        self._is_one_drag = pressed is not None
        self._start: Point | None = None
        self._end: Point = (0.0, 0.0)
        self._mouse = (-1, -1)
        self._handler: Any = bpy.types.SpaceView3D.draw_handler_add(
            self._draw, (), "WINDOW", "POST_PIXEL"
        )
        if pressed is not None:
            self.handle(pressed)
        self._show_hint()

    @property
    def rectangle(self) -> Rectangle:
        """What was drawn, in whole pixels."""
        start = self._start or self._end
        (left, right), (top, bottom) = (sorted(pair) for pair in zip(start, self._end, strict=True))
        return Rectangle(
            row_init=round(top), row_end=round(bottom), col_init=round(left), col_end=round(right)
        )

    def handle(self, event: Any) -> Dragging:
        """Take an event of the window."""
        if event.type in {"ESC", "RIGHTMOUSE"}:
            return Dragging.GIVEN_UP
        if event.type in PASSED_ON:
            return Dragging.PASSED_ON
        is_pressed = event.type == "LEFTMOUSE" and event.value == "PRESS"
        is_let_go = event.type == "LEFTMOUSE" and event.value == "RELEASE"
        mouse = (event.mouse_x, event.mouse_y)
        # Ctrl may be let go together with the button: what was shown last counts.
        if not is_let_go or mouse != self._mouse:
            self._end = self._within(event)
        self._mouse = mouse
        if is_pressed:
            self._start = self._end
        elif is_let_go and self._start:
            drawn = self.rectangle
            if drawn.width_px and drawn.height_px:
                return Dragging.DONE
            if self._is_one_drag:
                return Dragging.GIVEN_UP
            self._start = None  # a click without a drag: the next one may be
        self._show_hint()
        return Dragging.GOES_ON

    def end(self) -> None:
        """Leave the viewport as it was."""
        if self._handler is None:
            return
        bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
        self._handler = None
        super().end()

    def _show_hint(self) -> None:
        is_begun = self._start is not None
        self.show_hint(
            size_text(self.rectangle) if is_begun else "Drag a rectangle over the picture"
        )

    def _within(self, event: Any) -> Point:
        x, y = self.on_canvas(event)
        if event.ctrl:
            x, y = (nearest_multiple(value, self.canvas.grid_px) for value in (x, y))
        width_px, height_px = self.canvas.width_px, self.canvas.height_px
        return min(max(x, 0.0), float(width_px)), min(max(y, 0.0), float(height_px))

    def _draw(self) -> None:
        if self._start is None or bpy.context.area != self._area:
            return
        top, bottom, left, right = self.rectangle.bounds
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        draw_line([self.in_viewport(*corner) for corner in corners])


def draw_line(points: Sequence[Point]) -> None:
    """Draw a line through places of the viewport, visible on anything."""
    shader: Any = _gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    batch = batch_for_shader(shader, "LINE_STRIP", {"pos": [(*point, 0.0) for point in points]})
    size = _gpu.state.viewport_get()[2:]
    for width, colour in ((4.0, _SHADOW), (2.0, _LINE)):
        shader.uniform_float("viewportSize", size)
        shader.uniform_float("lineWidth", width)
        shader.uniform_float("color", colour)
        batch.draw(shader)
