"""A rectangle that is dragged over the camera's view in a viewport."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..job.regions.camera import canvas_of, view_of
from ..job.regions.projection import nearest_multiple
from ..properties.contexts import scene_in, view_layer_in
from .overlay.frame import Frame, frame_of

_gpu: Any = gpu  # whose stubs do not say that its functions return anything

_LINE = (1.0, 1.0, 1.0, 1.0)
_SHADOW = (0.0, 0.0, 0.0, 1.0)
_PASSED_ON = {"WHEELUPMOUSE", "WHEELDOWNMOUSE", "MOUSEMOVE_PAN", "TRACKPADZOOM"}

Point = tuple[float, float]


class Dragging(Enum):
    """What became of an event."""

    GOES_ON = auto()
    PASSED_ON = auto()
    DONE = auto()
    GIVEN_UP = auto()


class RectangleDrawing:
    """Follows the mouse from one corner of a rectangle to the opposite one.

    Units: positions are in pixels of the canvas, rows from the top.
    """

    def __init__(self, context: Any) -> None:
        self._scene = scene_in(context)
        self._layer = view_layer_in(context)
        self._canvas = canvas_of(self._scene)
        self._area = context.area
        self._region = next(r for r in context.area.regions if r.type == "WINDOW")
        self._view = context.space_data.region_3d
        self._window = context.window
        self._view.view_perspective = "CAMERA"
        self._start: Point | None = None
        self._end: Point = (0.0, 0.0)
        self._mouse = (-1, -1)
        self._handler: Any = bpy.types.SpaceView3D.draw_handler_add(
            self._draw, (), "WINDOW", "POST_PIXEL"
        )
        self._window.cursor_modal_set("CROSSHAIR")
        self._show_hint()

    @property
    def sides_px(self) -> tuple[int, int, int, int]:
        """The rectangle: top, bottom, left, right."""
        start = self._start or self._end
        (left, right), (top, bottom) = (sorted(pair) for pair in zip(start, self._end, strict=True))
        return round(top), round(bottom), round(left), round(right)

    def handle(self, event: Any) -> Dragging:
        """Take an event of the window."""
        if event.type in {"ESC", "RIGHTMOUSE"}:
            return Dragging.GIVEN_UP
        if event.type in _PASSED_ON:
            return Dragging.PASSED_ON
        is_pressed = event.type == "LEFTMOUSE" and event.value == "PRESS"
        is_let_go = event.type == "LEFTMOUSE" and event.value == "RELEASE"
        mouse = (event.mouse_x, event.mouse_y)
        # Ctrl may be let go together with the button: what was shown last counts.
        if not is_let_go or mouse != self._mouse:
            self._end = self._on_canvas(event)
        self._mouse = mouse
        if is_pressed:
            self._start = self._end
        elif is_let_go and self._start:
            top, bottom, left, right = self.sides_px
            if top < bottom and left < right:
                return Dragging.DONE
            self._start = None  # a click without a drag: the next one may be
        self._show_hint()
        return Dragging.GOES_ON

    def end(self) -> None:
        """Leave the viewport as it was."""
        if self._handler is None:
            return
        bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
        self._handler = None
        self._window.cursor_modal_restore()
        self._area.header_text_set(None)
        self._area.tag_redraw()

    def _show_hint(self) -> None:
        what = "Drag a rectangle over the picture"
        if self._start:
            top, bottom, left, right = self.sides_px
            what = f"{right - left} × {bottom - top} px at {left}, {top}"
        keys = f"Ctrl: snap to the grid of {self._canvas.grid_px} px  ·  Esc: cancel"
        self._area.header_text_set(f"{what}  ·  {keys}")
        self._area.tag_redraw()

    def _frame(self) -> Frame:
        depsgraph = self._layer.depsgraph
        assert depsgraph is not None
        to_clip = np.array(self._view.perspective_matrix)
        view = view_of(self._scene, depsgraph)
        return frame_of(view, to_clip, self._region.width, self._region.height)

    def _on_canvas(self, event: Any) -> Point:
        frame, canvas = self._frame(), self._canvas
        across = (event.mouse_x - self._region.x - frame.left) / frame.width
        up = (event.mouse_y - self._region.y - frame.bottom) / frame.height
        x, y = across * canvas.width_px, (1 - up) * canvas.height_px
        if event.ctrl:
            x, y = (nearest_multiple(value, canvas.grid_px) for value in (x, y))
        return min(max(x, 0.0), float(canvas.width_px)), min(max(y, 0.0), float(canvas.height_px))

    def _in_viewport(self, x: float, y: float) -> Point:
        frame = self._frame()
        up = 1 - y / self._canvas.height_px
        across = x / self._canvas.width_px
        return frame.left + across * frame.width, frame.bottom + up * frame.height

    def _draw(self) -> None:
        if self._start is None or bpy.context.area != self._area:
            return
        top, bottom, left, right = self.sides_px
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        points = [(*self._in_viewport(*corner), 0.0) for corner in corners]
        shader: Any = _gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        batch = batch_for_shader(shader, "LINE_STRIP", {"pos": points})
        size = _gpu.state.viewport_get()[2:]
        for width, colour in ((4.0, _SHADOW), (2.0, _LINE)):
            shader.uniform_float("viewportSize", size)
            shader.uniform_float("lineWidth", width)
            shader.uniform_float("color", colour)
            batch.draw(shader)
