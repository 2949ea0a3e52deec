"""Live: its switch, and another seed for it."""

from __future__ import annotations

from typing import Any

from ...properties import canvas_settings
from ...properties.contexts import scene_in, view_layer_in
from ...results.live import live
from .. import job_cache
from .base import RENDER_MENU, ReportingOperator, entries, require

_is_on = require(lambda context: live.is_on(scene_in(context)), "Live is off")


class SwitchLive(ReportingOperator):
    """Paint the picture again by itself whenever the scene or its settings change, small first"""

    bl_idname = "mixdiff.live"
    bl_label = "MixDiff Live Picture"
    icon = "PLAY"

    def run(self, context: Any) -> None:
        """Switch it on for this scene, or off."""
        scene = scene_in(context)
        if live.is_on(scene):
            live.stop()
        else:
            live.start(scene, view_layer_in(context))


class OtherLive(ReportingOperator):
    """Paint the live picture from another seed"""

    bl_idname = "mixdiff.other_live"
    bl_label = "Another MixDiff Live Picture"
    icon = "FILE_REFRESH"
    requirements = (
        _is_on,
        require(
            lambda context: canvas_settings(scene_in(context)).seed is None,
            "The picture has a seed of its own; empty the field Seed for another one",
        ),
    )

    def run(self, context: Any) -> None:
        """Draw one."""
        live.draw_anew()


CLASSES = (SwitchLive, OtherLive)
MENUS = ((RENDER_MENU, entries(SwitchLive.button, OtherLive.button)),)


def register() -> None:
    """Have Live see scenes as the panels do."""
    live.look = job_cache.seen


def unregister() -> None:
    """Leave it without eyes."""
    live.stop()
    live.look = None
