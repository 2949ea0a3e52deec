"""Seeing the picture: over the camera's view, beside the scene, in an editor of its own."""

from __future__ import annotations

from typing import Any

import bpy

from ...backend import engine
from ...contract import EngineError
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...results import history
from ...results.documents import wrap_of_entry
from ...results.live import live
from ...results.sequence import follow
from .base import ReportingOperator, Result, require

_has_picture = require(
    lambda context: canvas_settings(scene_in(context)).result,
    "There is no picture yet; generate one",
)


class ComparePicture(ReportingOperator):
    """Show the picture over the camera's view, or the scene under it"""

    bl_idname = "mixdiff.compare"
    bl_label = "Compare MixDiff Picture with Scene"
    icon = "SPLIT_HORIZONTAL"
    requirements = (
        require(
            lambda context: canvas_settings(scene_in(context)).result or live.picture,
            "There is no picture yet; generate one",
        ),
    )

    def run(self, context: Any) -> None:
        """Switch from one to the other."""
        settings = canvas_settings(scene_in(context))
        settings.show_result = not settings.show_result
        engine.redraw()


_before_and_after: tuple[str, str] | None = None
"""The keys of the results that were compared last."""


class CompareResults(ReportingOperator):
    """Show the result before this one, and at the next press this one again (Shift J)"""

    bl_idname = "mixdiff.compare_results"
    bl_label = "Compare MixDiff Results Before and After"
    icon = "ARROW_LEFTRIGHT"
    requirements = (
        require(
            lambda context: len(canvas_settings(scene_in(context)).history) > 1,
            "There are no two results yet to compare",
        ),
    )

    def run(self, context: Any) -> Result | None:
        """Show the other one of the two, over the camera's view."""
        global _before_and_after
        settings = canvas_settings(scene_in(context))
        keys = [entry.key for entry in settings.history]
        shown = keys[settings.active_history]
        before, after = _before_and_after or ("", "")
        if shown == before and after in keys:
            wanted = after
        elif settings.active_history > 0:
            wanted = keys[settings.active_history - 1]
            _before_and_after = wanted, shown
        else:
            self.report({"INFO"}, "This is the first result; there is none before it")
            return {"CANCELLED"}
        settings.active_history = keys.index(wanted)
        settings.show_result = True
        return None


class OpenInImageEditor(ReportingOperator):
    """Show the picture in an Image Editor: in one that is open, else in a window of its own.
    One that repeats is shown repeated"""

    bl_idname = "mixdiff.open_picture"
    bl_label = "Open MixDiff Picture in Image Editor"
    icon = "IMAGE"
    requirements = (_has_picture,)

    def run(self, context: Any) -> None:
        """Show it."""
        if bpy.app.background:
            raise EngineError("There is no window to show the picture in", kind="job")
        scene = scene_in(context)
        image, entry = canvas_settings(scene).result, history.active_entry(scene)
        editor = image_editor(context)
        editor.image = image
        editor.show_repeat = entry is not None and wrap_of_entry(entry) != "none"
        if image is not None:
            follow(image)


def image_editor(context: Any) -> Any:
    """Return the space of an Image Editor that is open, else of one in a window of its own."""
    areas = [area for w in context.window_manager.windows for area in w.screen.areas]
    area = next((area for area in areas if area.type == "IMAGE_EDITOR"), None)
    if area is None:
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.type = "IMAGE_EDITOR"
    return area.spaces.active


class ShowMaterials(ReportingOperator):
    """Show materials in this viewport, and with them what is projected onto objects"""

    bl_idname = "mixdiff.show_materials"
    bl_label = "Show Materials for MixDiff"
    icon = "SHADING_TEXTURE"
    requirements = (
        require(
            lambda context: context.area and context.area.type == "VIEW_3D", "In a 3D viewport"
        ),
    )

    def run(self, context: Any) -> None:
        """Switch the viewport's shading."""
        context.space_data.shading.type = "MATERIAL"


CLASSES = (ComparePicture, CompareResults, OpenInImageEditor, ShowMaterials)

_keys: list[tuple[Any, Any]] = []


def register() -> None:
    """Have J and Shift J compare in the 3D viewport; without a window there are no keys."""
    manager: Any = bpy.context.window_manager
    keys = manager.keyconfigs.addon
    if keys is not None and not bpy.app.background:
        keymap = keys.keymaps.new(name="3D View", space_type="VIEW_3D")
        for operator, shift in ((ComparePicture, False), (CompareResults, True)):
            item = keymap.keymap_items.new(operator.bl_idname, "J", "PRESS", shift=shift)
            _keys.append((keymap, item))


def unregister() -> None:
    """Give the key back."""
    for keymap, item in _keys:
        keymap.keymap_items.remove(item)
    _keys.clear()
