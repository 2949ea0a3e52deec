"""Image regions from files."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError, Image2ImageRegion
from ...job.regions.helper_planes import add_image, placement_of
from ...job.regions.marking import mark
from ...job.regions.projection import Bounds
from ...properties.contexts import scene_in, select
from ...properties.declarations import BoolProperty
from .base import ChoosesFile, UndoableOperator
from .selection import camera_problem

_MIDDLE = Bounds(left=0.25, right=0.75, bottom=0.25, top=0.75)


class AddImageRegion(ChoosesFile, UndoableOperator):
    """Put a picture before the camera, as a region that starts from it"""

    bl_idname = "mixdiff.add_image_region"
    bl_label = "Image Region"
    icon = "IMAGE_DATA"
    requirements = (camera_problem,)

    filter_image = BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder = BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def run(self, context: Any) -> None:
        """Load the image and put it in the middle of the frame."""
        scene = scene_in(context)
        try:
            image = bpy.data.images.load(str(self.path), check_existing=True)
            placement = placement_of(scene, context.evaluated_depsgraph_get(), _MIDDLE)
        except (RuntimeError, EngineError) as error:
            advice = "choose a picture that Blender can open"
            raise EngineError(str(error).strip(), kind="picture", advice=advice) from error
        empty = add_image(scene, context.collection, placement, image)
        select(context, empty)
        mark(scene, empty, Image2ImageRegion.TYPE)


def draw_add_menu(layout: Any) -> None:
    """Add what makes image regions to a menu."""
    AddImageRegion.button(layout, "Image Region…")


CLASSES = (AddImageRegion,)
