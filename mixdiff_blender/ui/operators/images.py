"""Image regions from picture files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...contract import EngineError, Image2ImageRegion
from ...job.regions.helper_planes import add_image, placement_of
from ...job.regions.marking import mark
from ...job.regions.projection import Bounds
from ...properties.contexts import scene_in
from ...properties.declarations import props
from .selection import camera_problem, select_only

Result = set[Any]
_MIDDLE = Bounds(left=0.25, right=0.75, bottom=0.25, top=0.75)


class AddImageRegion(bpy.types.Operator):
    """Put a picture before the camera, as a region that starts from it"""

    bl_idname = "mixdiff.add_image_region"
    bl_label = "Image Region"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        filepath: str
        filter_image: bool
        filter_folder: bool

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a camera to put it before."""
        if problem := camera_problem(context):
            cls.poll_message_set(problem)
        return not problem

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> Result:
        """Load the picture and put it in the middle of the frame."""
        scene = scene_in(context)
        try:
            image = bpy.data.images.load(self.filepath, check_existing=True)
            placement = placement_of(scene, context.evaluated_depsgraph_get(), _MIDDLE)
        except (RuntimeError, EngineError) as error:
            self.report({"ERROR"}, f"{str(error).strip()}; choose a picture that Blender can open")
            return {"CANCELLED"}
        empty = add_image(scene, context.collection, placement, image)
        select_only(context, empty)
        mark(scene, empty, Image2ImageRegion.TYPE)
        return {"FINISHED"}


AddImageRegion.__annotations__ = {
    "filepath": props.StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"}),
    "filter_image": props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"}),
    "filter_folder": props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"}),
}


def draw_add_menu(layout: Any) -> None:
    """Add what makes image regions to a menu."""
    layout.operator(AddImageRegion.bl_idname, text="Image Region…", icon="IMAGE_DATA")


CLASSES = (AddImageRegion,)
