"""A drag over the camera's view that goes around something."""

from __future__ import annotations

from typing import Any

import bpy

from .dragging import PASSED_ON, Drag, Dragging, Point, draw_line

_LEAST_POINTS = 3
_APART_PX = 2.0


class LassoDrawing(Drag):
    """Follows the mouse from the press of the button to its release."""

    def __init__(self, context: Any) -> None:
        super().__init__(context, "CROSSHAIR")
        self.view3d.view_perspective = "CAMERA"
        self._points: list[Point] = []
        self._is_pressed = False
        self._handler: Any = bpy.types.SpaceView3D.draw_handler_add(
            self._draw, (), "WINDOW", "POST_PIXEL"
        )
        self._show_hint()

    @property
    def shares(self) -> list[Point]:
        """The line, in shares of the picture from its upper left corner."""
        width_px, height_px = self.canvas.width_px, self.canvas.height_px
        return [(x / width_px, y / height_px) for x, y in self._points]

    def handle(self, event: Any) -> Dragging:
        """Take an event of the window."""
        if event.type in {"ESC", "RIGHTMOUSE"}:
            return Dragging.GIVEN_UP
        if event.type in PASSED_ON:
            return Dragging.PASSED_ON
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            self._is_pressed, self._points = True, []
        if self._is_pressed:
            self._add(self.on_canvas(event))
        if event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._is_pressed:
            self._is_pressed = False
            if len(self._points) >= _LEAST_POINTS:
                return Dragging.DONE
            self._points = []  # a click without a drag: the next one may be
        self._show_hint()
        return Dragging.GOES_ON

    def end(self) -> None:
        """Leave the viewport as it was."""
        if self._handler is None:
            return
        bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
        self._handler = None
        super().end()

    def _add(self, point: Point) -> None:
        last = self._points[-1] if self._points else None
        if last is None or max(abs(point[0] - last[0]), abs(point[1] - last[1])) >= _APART_PX:
            self._points.append(point)

    def _show_hint(self) -> None:
        self.show_hint("Drag around what should be made again", "Esc: cancel")

    def _draw(self) -> None:
        if len(self._points) > 1 and bpy.context.area == self._area:
            draw_line([self.in_viewport(*point) for point in (*self._points, self._points[0])])
