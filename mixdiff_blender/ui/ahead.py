"""Starts the engine when the sidebar's tab is opened: it gets ready while one still types."""

from __future__ import annotations

import bpy

from ..backend import engine
from ..backend.states import Ahead
from ..contract import BUNDLED_MODEL
from ..job.model_facts import model_path
from ..properties import canvas_settings, preferences

_SOON_S = 0.1  # once the tab is on the screen

_has_begun = False


def tab_is_drawn() -> None:
    """Have the engine started soon, the first time; drawing itself starts nothing.

    Never without a window, where there is nobody who opens a tab.
    """
    if _has_begun or bpy.app.background or not preferences.start_ahead():
        return
    if not bpy.app.timers.is_registered(begin):
        bpy.app.timers.register(begin, first_interval=_SOON_S)


def ahead_of(scene: bpy.types.Scene) -> Ahead:
    """Return what is made ready for a scene's first picture.

    The bundled model is loaded, whose 26 MB are in nobody's way. Of others, which may take
    gigabytes or come with somebody's file, what they are made of is imported alone.
    """
    path = model_path(canvas_settings(scene).model)
    is_bundled = path in (None, BUNDLED_MODEL)
    return Ahead(model=None if is_bundled else path, is_loaded=is_bundled)


def begin() -> None:
    """Start the engine for the scene, where nobody has yet."""
    global _has_begun
    _has_begun = True
    scene = bpy.context.scene
    if scene is not None and not engine.session.was_used:
        engine.session.begin_ahead(ahead_of(scene))
        engine.keep_going()


def register() -> None:
    """Begin with a tab that nobody has opened."""
    global _has_begun
    _has_begun = False


TIMERS = (begin,)
