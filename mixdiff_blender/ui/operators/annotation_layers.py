"""Making regions of annotations."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.regions.annotations import active_layer_of, layers_of
from ...job.regions.entries import list_layer, sync
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import EnumProperty
from .base import UndoableOperator, require

_ALL, _ACTIVE = "all", "active"


class MarkAnnotations(UndoableOperator):
    """Make layers of annotations regions of the picture: each covers what its strokes cover, and
    shows what its name says"""

    bl_idname = "mixdiff.mark_annotations"
    bl_label = "Add Annotations as MixDiff Regions"
    icon = "GREASEPENCIL"
    requirements = (
        require(
            lambda context: layers_of(scene_in(context)),
            "Draw an annotation in the camera's view first",
        ),
    )

    layers: str = EnumProperty(
        name="Layers",
        description="Which layers become regions",
        items=[
            (_ALL, "All", "Each layer becomes a region"),
            (_ACTIVE, "Active", "The layer that is drawn on"),
        ],
        options={"SKIP_SAVE"},
    )

    def run(self, context: Any) -> None:
        """List the layers."""
        scene = scene_in(context)
        active = active_layer_of(scene)
        names = list(layers_of(scene)) if self.layers == _ALL else [active] if active else []
        if not names:
            message = "No layer of the annotations is active"
            raise EngineError(message, kind="job", advice="choose one in the tool")
        sync(scene)
        for name in names:
            list_layer(scene, name)
        settings = canvas_settings(scene)
        listed = [entry.layer for entry in settings.regions]
        settings.active_region = listed.index(names[-1])


def draw_add_menu(layout: Any) -> None:
    """Add what makes regions of annotations to a menu."""
    MarkAnnotations.button(layout, "Regions from Annotations")
    text = "Region from Active Annotation Layer"
    icon = "GREASEPENCIL_LAYER_GROUP" if bpy.app.version >= (4, 3) else "GREASEPENCIL"
    MarkAnnotations.button(layout, text, icon, layers=_ACTIVE)


CLASSES = (MarkAnnotations,)
