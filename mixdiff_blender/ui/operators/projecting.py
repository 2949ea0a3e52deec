"""Projecting the picture from the camera onto objects, and taking it off again."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.regions.camera import rendered_view_of
from ...job.regions.planes import WITH_SURFACE
from ...job.regions.visibility import Visibility
from ...properties import region_settings
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import BoolProperty, EnumProperty
from ...results import history
from ...results.depth_picture import depth_picture
from ...results.documents import view_of_entry
from ...results.projectable import obstacles
from ...results.projected_shot import project_shot, remove_keyframes
from ...results.projection import LAYERS, is_baked, is_projected, project, remove_projection
from ...results.sequence import follow
from ...results.shot_record import record_of
from .base import require
from .result_use import OBJECT_MENU, ResultUse
from .selection import selected_with_surface


class Project(ResultUse):
    """Project the picture from the camera onto objects, so that it fits exactly and then sticks"""

    bl_idname = "mixdiff.project"
    bl_label = "Project MixDiff Picture"
    icon = "MOD_UVPROJECT"
    menu = OBJECT_MENU
    buttons = (("Project", {}),)

    onto: str = EnumProperty(
        name="Onto",
        items=[
            ("AUTO", "Selected, or All", "The selected objects; where none is, all visible ones"),
            ("SELECTED", "Selected", "The selected objects"),
            ("ALL", "All Visible", "All objects with a surface that are rendered"),
        ],
    )
    view: str = EnumProperty(
        name="From",
        items=[
            ("PICTURE", "Where It Was Made", "From where the camera stood for this picture"),
            ("CAMERA", "Camera", "From where the camera is now"),
        ],
    )
    over: str = EnumProperty(
        name="Where Both Saw",
        items=[
            ("TOP", "This Picture", "It lies over what is projected, which fills what it left"),
            ("FILL", "The Earlier One", "It fills what the earlier pictures left, no more"),
        ],
    )
    keep = BoolProperty(
        name="Keep This Picture",
        description="Go on showing this picture there; off, the objects show each new one",
        default=True,
    )

    @classmethod
    def applied(cls, image: bpy.types.Image, context: Any) -> str:
        """Return whether a picture is projected onto a selected object."""
        return "ON" if _projected(context) else ""

    @classmethod
    def take_off(cls, image: bpy.types.Image, context: Any) -> None:
        """Show the materials of the selected objects' data again."""
        for obj in selected_with_surface(context):
            remove_keyframes(obj)
            remove_projection(obj)

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Give the objects the material, and freeze the camera into them."""
        scene = scene_in(context)
        entry = history.active_entry(scene)
        objects = selected_with_surface(context)
        if self.onto == "ALL" or (self.onto == "AUTO" and not objects):
            objects = _visible_with_surface(scene, view_layer_in(context))
        if not objects:
            advice = "select objects with a surface"
            raise EngineError("Nothing to project onto", kind="job", advice=advice)
        view = view_of_entry(entry) if entry and self.view == "PICTURE" else None
        view = view or rendered_view_of(scene, context.evaluated_depsgraph_get())
        if view.is_panorama:
            advice = "use it as World, or generate one of the camera's frame (Look)"
            raise EngineError("A panorama is not projected", kind="job", advice=advice)
        hidden = obstacles(scene, context.evaluated_depsgraph_get(), objects)
        objects = [obj for obj in objects if obj not in hidden]
        if not objects:
            raise EngineError(
                "Nothing would show it", kind="job", advice="; ".join(hidden.values())
            )
        for why in hidden.values():
            self.report({"WARNING"}, f"Not projected: {why}")
        if self.keep and entry:
            image = history.keep(scene, entry)
        record = record_of(entry) if entry and self.view == "PICTURE" else None
        if record is not None:
            projected = project_shot(image, scene, record, objects)
        else:
            for obj in objects:
                remove_keyframes(obj)
            depth = depth_picture(
                scene, context.evaluated_depsgraph_get(), view, f"{image.name} depth"
            )
            projected = project(image, view, objects, depth=depth, fills=self.over == "FILL")
        follow(image)
        if crowded := [obj.name for obj in projected.crowded]:
            oldest = f"show {LAYERS} pictures at most, and the lowest of them no longer"
            self.report({"WARNING"}, f"{', '.join(crowded)}: {oldest}")
        if missed := [obj.name for obj in objects if obj not in projected.objects]:
            self.report({"WARNING"}, f"Without a place for a material: {', '.join(missed)}")


def _projected(context: Any) -> list[bpy.types.Object]:
    """Return the selected objects that show a projection, or what was baked of it."""
    return [obj for obj in selected_with_surface(context) if is_projected(obj) or is_baked(obj)]


def _visible_with_surface(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer
) -> list[bpy.types.Object]:
    """Return what is rendered, without guides and the planes that the camera carries."""
    shown = Visibility.of(layer).rendered
    found = (obj for obj in layer.objects if obj in shown and obj.type in WITH_SURFACE)
    return [obj for obj in found if obj.parent != scene.camera and not region_settings(obj).guide]


class TakeProjectionOff(ResultUse):
    """Give the selected objects back the materials that they had before the projection"""

    bl_idname = "mixdiff.take_projection_off"
    bl_label = "Take MixDiff Projection Off"
    icon = "X"
    menu = OBJECT_MENU
    requirements = (
        require(
            _projected,
            "Select objects that the picture is projected onto",
        ),
    )

    def run(self, context: Any) -> None:
        """Show the materials of the objects' data again."""
        for obj in selected_with_surface(context):
            remove_keyframes(obj)
            remove_projection(obj)
