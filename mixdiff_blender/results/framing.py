"""Whether renders show a picture as it was made: their frame, and what they are made of."""

from __future__ import annotations

from typing import Any

import bpy

from ..contract import EngineError
from ..job.regions.camera import render_size_px, rendered_view_of
from ..job.regions.projection import CameraView
from ..properties import HistoryEntry
from .documents import view_of_entry

_SAME = 0.01  # of the frame's width
_LIKE = 0.1  # how far a canvas on the model's grid may be from the render's shape
_MUTED_COUNTS = bpy.app.version < (4, 5)


def misfit(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    image: bpy.types.Image,
    entry: HistoryEntry | None,
) -> str:
    """Return how the frame that renders have now is unlike a picture's, or an empty text."""
    made = view_of_entry(entry) if entry else None
    try:
        now = rendered_view_of(scene, depsgraph) if made else None
    except EngineError:
        now = None
    if made and now:
        fits = _is_same_frame(made, now)
    else:
        (width, height), (shown_width, shown_height) = render_size_px(scene), image.size
        fits = abs(shown_width * height - width * shown_height) < _LIKE * width * shown_height
    if fits:
        return ""
    return (
        "The picture is stretched over another frame than it was made for: generate it anew, or "
        "set size, render region and lens as they were"
    )


def _is_same_frame(made: CameraView, now: CameraView) -> bool:
    nearly = _SAME * (now.right - now.left)
    sides = ("left", "right", "bottom", "top")
    same_sides = all(abs(getattr(made, one) - getattr(now, one)) < nearly for one in sides)
    kinds = ("is_perspective", "is_panorama")
    return same_sides and all(getattr(made, one) == getattr(now, one) for one in kinds)


def hidden_by_sequencer(scene: bpy.types.Scene) -> str:
    """Return why renders show the sequencer's strips instead of the scene, or an empty text."""
    editor: Any = scene.sequence_editor
    if editor is None or not scene.render.use_sequencer:
        return ""
    # Blender 4.4 renamed them.
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    shown = [s for s in strips if s.type != "SOUND" and (_MUTED_COUNTS or not s.mute)]
    if not shown or any(strip.type == "SCENE" and strip.scene == scene for strip in shown):
        return ""
    return (
        "Renders show the sequencer's strips, not the picture: switch Sequencer off "
        "(Output > Post Processing)"
    )
