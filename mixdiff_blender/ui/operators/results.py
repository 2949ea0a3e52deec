"""Using the generated image."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.regions.camera import Border, border_of, view_of
from ...job.regions.planes import WITH_SURFACE, Visibility
from ...properties import canvas_settings, region_settings
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import BoolProperty, EnumProperty
from ...results import history
from ...results.background import Depth, put_behind_camera_view
from ...results.compositor import Placing, put_in_compositor
from ...results.projection import is_projected, project, remove_projection
from ...results.texture import put_on
from ...results.world import Surrounding, put_in_world
from .base import ReportingOperator, require
from .selection import selected_with_surface

_NO_IMAGE = "There is no picture yet; generate one"
_HAS_IMAGE = require(
    lambda context: canvas_settings(scene_in(context)).result is not None, _NO_IMAGE
)


def _result(scene: bpy.types.Scene) -> bpy.types.Image:
    image = canvas_settings(scene).result
    assert image is not None
    return image


class UseAsTexture(ReportingOperator):
    """Show the picture on each selected object, as bright as in a picture viewer"""

    bl_idname = "mixdiff.use_as_texture"
    bl_label = "Use MixDiff Picture as Texture"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (
        _HAS_IMAGE,
        require(selected_with_surface, "Select the objects to show the picture on"),
    )

    def run(self, context: Any) -> None:
        """Give the objects the picture's material."""
        image = _result(scene_in(context))
        for obj in selected_with_surface(context):
            put_on(image, obj)


class Project(ReportingOperator):
    """Project the picture from the camera onto objects, so that it fits exactly and then sticks"""

    bl_idname = "mixdiff.project"
    bl_label = "Project MixDiff Picture"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (_HAS_IMAGE,)

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
    keep = BoolProperty(
        name="Keep This Picture",
        description="Go on showing this picture there; off, the objects show each new one",
    )

    def run(self, context: Any) -> None:
        """Give the objects the material, and freeze the camera into them."""
        scene = scene_in(context)
        entry = history.active_entry(scene)
        objects = selected_with_surface(context)
        if self.onto == "ALL" or (self.onto == "AUTO" and not objects):
            objects = _visible_with_surface(scene, view_layer_in(context))
        if not objects:
            advice = "select objects with a surface"
            raise EngineError("Nothing to project onto", kind="job", advice=advice)
        view = history.view_of_entry(entry) if entry and self.view == "PICTURE" else None
        view = view or view_of(scene, context.evaluated_depsgraph_get())
        image = history.keep(scene, entry) if self.keep and entry else _result(scene)
        projected = project(image, view, objects)
        if missed := [obj.name for obj in objects if obj not in projected]:
            self.report({"WARNING"}, f"Without a place for a material: {', '.join(missed)}")


def _visible_with_surface(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer
) -> list[bpy.types.Object]:
    """Return what is rendered, without guides and the planes that the camera carries."""
    shown = Visibility.of(layer).rendered
    found = (obj for obj in layer.objects if obj in shown and obj.type in WITH_SURFACE)
    return [obj for obj in found if obj.parent != scene.camera and not region_settings(obj).guide]


class TakeProjectionOff(ReportingOperator):
    """Give the selected objects back the materials that they had before the projection"""

    bl_idname = "mixdiff.take_projection_off"
    bl_label = "Take MixDiff Projection Off"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (
        require(
            lambda context: any(is_projected(obj) for obj in selected_with_surface(context)),
            "Select objects that the picture is projected onto",
        ),
    )

    def run(self, context: Any) -> None:
        """Show the materials of the objects' data again."""
        for obj in selected_with_surface(context):
            remove_projection(obj)


class UseInCompositor(ReportingOperator):
    """Show the picture in the compositor's output, joined to what is there"""

    bl_idname = "mixdiff.use_in_compositor"
    bl_label = "Use MixDiff Picture in Compositor"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (_HAS_IMAGE,)

    placing: Placing = EnumProperty(
        name="Placing",
        items=[
            ("BEHIND", "Behind the Render", "The picture is the backdrop of what is rendered"),
            ("ALONE", "Alone", "The picture takes the place of what is rendered"),
        ],
    )

    def run(self, context: Any) -> None:
        """Lead the picture to the compositor's output."""
        scene = scene_in(context)
        was_opaque = not scene.render.film_transparent
        put_in_compositor(_result(scene), scene, self.placing)
        if was_opaque and scene.render.film_transparent:
            self.report({"INFO"}, "Film > Transparent is on now, so that the picture is seen")


def _has_own_camera(context: Any) -> bool:
    camera = scene_in(context).camera
    data = camera.data if camera else None
    return isinstance(data, bpy.types.Camera) and data.library is None


class UseAsBackground(ReportingOperator):
    """Show the picture in the camera's view, in the viewport only"""

    bl_idname = "mixdiff.use_as_background"
    bl_label = "Use MixDiff Picture as Camera Background"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (
        _HAS_IMAGE,
        require(_has_own_camera, "The scene has no camera of its own file; add one (Add > Camera)"),
    )

    depth: Depth = EnumProperty(
        name="Depth",
        items=[
            ("BACK", "Behind", "Behind the objects"),
            ("FRONT", "In Front", "Half transparent, in front of the objects"),
        ],
    )

    def run(self, context: Any) -> None:
        """Add the background, or bring it up to date."""
        scene = scene_in(context)
        camera = scene.camera
        assert camera is not None
        assert isinstance(camera.data, bpy.types.Camera)
        put_behind_camera_view(_result(scene), camera.data, self.depth)
        if border_of(scene) != Border():
            self.report({"WARNING"}, "It fills the frame, though it is of the render region alone")
        if not camera.visible_get():
            self.report({"WARNING"}, f"Show {camera.name!r}: a hidden camera shows no background")


class UseAsWorld(ReportingOperator):
    """Make the picture the scene's world; the world that it had stays in the file"""

    bl_idname = "mixdiff.use_as_world"
    bl_label = "Use MixDiff Picture as World"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (_HAS_IMAGE,)

    surrounding: Surrounding = EnumProperty(
        name="Place",
        items=[
            ("BACKDROP", "Backdrop", "Fills the camera's frame; the scene's light stays as it is"),
            ("AROUND", "All Around", "A panorama that lights the scene too (equirectangular)"),
        ],
    )

    def run(self, context: Any) -> None:
        """Make the world."""
        scene = scene_in(context)
        put_in_world(_result(scene), scene, self.surrounding)
        if scene.render.film_transparent:
            scene.render.film_transparent = False
            self.report({"INFO"}, "Film > Transparent is off now, so that the world is seen")


class KeepSeed(ReportingOperator):
    """Use the seed of the last picture for the next ones too"""

    bl_idname = "mixdiff.keep_seed"
    bl_label = "Keep MixDiff Picture's Seed"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (
        require(lambda context: canvas_settings(scene_in(context)).result_seed, _NO_IMAGE),
    )

    def run(self, context: Any) -> None:
        """Copy the seed."""
        settings = canvas_settings(scene_in(context))
        settings.seed_digits = settings.result_seed


def draw_render_menu(menu: Any, context: Any) -> None:
    """Add what is done with a picture to the Render menu."""
    layout = menu.layout
    layout.operator(UseInCompositor.bl_idname, icon="NODE_COMPOSITING")
    layout.operator(UseAsWorld.bl_idname, icon="WORLD")
    layout.operator(UseAsBackground.bl_idname, icon="IMAGE_BACKGROUND")
    layout.operator(KeepSeed.bl_idname, icon="PINNED")


def draw_object_menu(menu: Any, context: Any) -> None:
    """Add what is done to objects to the Object menu."""
    menu.layout.operator(UseAsTexture.bl_idname, icon="TEXTURE")
    menu.layout.operator(Project.bl_idname, icon="MOD_UVPROJECT")
    menu.layout.operator(TakeProjectionOff.bl_idname, icon="X")


CLASSES = (
    UseAsTexture,
    Project,
    TakeProjectionOff,
    UseInCompositor,
    UseAsBackground,
    UseAsWorld,
    KeepSeed,
)
MENUS = (("TOPBAR_MT_render", draw_render_menu), ("VIEW3D_MT_object", draw_object_menu))
