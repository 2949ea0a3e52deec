"""Operators that wait for something to be drawn over the camera's view."""

from __future__ import annotations

from typing import Any, Protocol

from ..dragging import Dragging
from .base import ReportingOperator, Result


class Drawing(Protocol):
    """What follows the mouse."""

    def handle(self, event: Any) -> Dragging:
        """Return what became of an event."""

    def end(self) -> None:
        """Leave nothing of it in the view."""


class DrawnOperator(ReportingOperator):
    """Runs with what was drawn; `invoke` begins the drawing."""

    _drawing: Drawing

    def take(self) -> None:
        """Note what was drawn in the operator's properties."""
        raise NotImplementedError

    def modal(self, context: Any, event: Any) -> Result:
        """Follow the mouse until it is drawn or given up."""
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
                self.take()
                return self.execute(context)

    def cancel(self, context: Any) -> None:
        """Leave nothing behind when Blender ends the drawing."""
        self._drawing.end()
