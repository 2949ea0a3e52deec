"""What the regions cover, drawn over the camera's view: outlines, names and how weights fade."""

from __future__ import annotations

from . import drawing, watching


def register() -> None:
    """Draw in every 3D viewport from now on."""
    watching.register()
    drawing.register()


def unregister() -> None:
    """Draw no more."""
    drawing.unregister()
    watching.unregister()
