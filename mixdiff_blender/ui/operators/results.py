"""Using the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...contract import EngineError
from ...job.regions.camera import Border, border_of, view_of
from ...job.regions.planes import WITH_SURFACE, Visibility
from ...properties import canvas_settings, region_settings
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import props
from ...results import history
from ...results.background import Depth, put_behind_camera_view
from ...results.compositor import Placing, put_in_compositor
from ...results.projection import is_projected, project, remove_projection
from ...results.texture import put_on
from ...results.world import Surrounding, put_in_world
from .selection import selected_with_surface

Result = set[Any]


def _result_poll(cls: type[bpy.types.Operator], context: Any) -> bool:
    cls.poll_message_set("There is no picture yet; generate one")
    return canvas_settings(scene_in(context)).result is not None


def _result(scene: bpy.types.Scene) -> bpy.types.Image:
    image = canvas_settings(scene).result
    assert image is not None
    return image


class UseAsTexture(bpy.types.Operator):
    """Show the picture on each selected object, as bright as in a picture viewer"""

    bl_idname = "mixdiff.use_as_texture"
    bl_label = "Use MixDiff Picture as Texture"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a picture, and an object to show it on."""
        if not _result_poll(cls, context):
            return False
        cls.poll_message_set("Select the objects to show the picture on")
        return bool(selected_with_surface(context))

    def execute(self, context: Any) -> Result:
        """Give the objects the picture's material."""
        image = _result(scene_in(context))
        for obj in selected_with_surface(context):
            put_on(image, obj)
        return {"FINISHED"}


class Project(bpy.types.Operator):
    """Project the picture from the camera onto objects, so that it fits exactly and then sticks"""

    bl_idname = "mixdiff.project"
    bl_label = "Project MixDiff Picture"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        onto: str
        keep: bool
        view: str

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a picture."""
        return _result_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Give the objects the material, and freeze the camera into them."""
        scene = scene_in(context)
        entry = history.active_entry(scene)
        objects = selected_with_surface(context)
        if self.onto == "ALL" or (self.onto == "AUTO" and not objects):
            objects = _visible_with_surface(scene, view_layer_in(context))
        if not objects:
            self.report({"ERROR"}, "Nothing to project onto; select objects with a surface")
            return {"CANCELLED"}
        try:
            view = history.view_of_entry(entry) if entry and self.view == "PICTURE" else None
            view = view or view_of(scene, context.evaluated_depsgraph_get())
            image = _result(scene)
            if self.keep and entry is not None:
                image = history.keep(scene, entry)
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        painted = project(image, view, objects)
        if missed := [obj.name for obj in objects if obj not in painted]:
            self.report({"WARNING"}, f"Without a place for a material: {', '.join(missed)}")
        return {"FINISHED"}


Project.__annotations__ = {
    "onto": props.EnumProperty(
        name="Onto",
        items=[
            ("AUTO", "Selected, or All", "The selected objects; where none is, all visible ones"),
            ("SELECTED", "Selected", "The selected objects"),
            ("ALL", "All Visible", "All objects with a surface that are rendered"),
        ],
    ),
    "view": props.EnumProperty(
        name="From",
        items=[
            ("PICTURE", "Where It Was Made", "From where the camera stood for this picture"),
            ("CAMERA", "Camera", "From where the camera is now"),
        ],
    ),
    "keep": props.BoolProperty(
        name="Keep This Picture",
        description="Go on showing this picture there; off, the objects show each new one",
    ),
}


def _visible_with_surface(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer
) -> list[bpy.types.Object]:
    """Return what is rendered, without guides and the planes that the camera carries."""
    shown = Visibility.of(layer).rendered
    found = (obj for obj in layer.objects if obj in shown and obj.type in WITH_SURFACE)
    return [obj for obj in found if obj.parent != scene.camera and not region_settings(obj).guide]


class TakeProjectionOff(bpy.types.Operator):
    """Give the selected objects back the materials that they had before the projection"""

    bl_idname = "mixdiff.take_projection_off"
    bl_label = "Take MixDiff Projection Off"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether such an object is selected."""
        cls.poll_message_set("Select objects that the picture is projected onto")
        return any(is_projected(obj) for obj in selected_with_surface(context))

    def execute(self, context: Any) -> Result:
        """Show the materials of the objects' data again."""
        for obj in selected_with_surface(context):
            remove_projection(obj)
        return {"FINISHED"}


class UseInCompositor(bpy.types.Operator):
    """Show the picture in the compositor's output, joined to what is there"""

    bl_idname = "mixdiff.use_in_compositor"
    bl_label = "Use MixDiff Picture in Compositor"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        placing: Placing

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a picture."""
        return _result_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Lead the picture to the compositor's output."""
        scene = scene_in(context)
        was_opaque = not scene.render.film_transparent
        try:
            put_in_compositor(_result(scene), scene, self.placing)
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if was_opaque and scene.render.film_transparent:
            self.report({"INFO"}, "Film > Transparent is on now, so that the picture is seen")
        return {"FINISHED"}


UseInCompositor.__annotations__ = {
    "placing": props.EnumProperty(
        name="Placing",
        items=[
            ("BEHIND", "Behind the Render", "The picture is the backdrop of what is rendered"),
            ("ALONE", "Alone", "The picture takes the place of what is rendered"),
        ],
    ),
}


class UseAsBackground(bpy.types.Operator):
    """Show the picture in the camera's view, in the viewport only"""

    bl_idname = "mixdiff.use_as_background"
    bl_label = "Use MixDiff Picture as Camera Background"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        depth: Depth

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there are a picture and a camera."""
        if not _result_poll(cls, context):
            return False
        camera = scene_in(context).camera
        cls.poll_message_set("The scene has no camera of its own file; add one (Add > Camera)")
        return camera is not None and _is_own_camera(camera.data)

    def execute(self, context: Any) -> Result:
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
        return {"FINISHED"}


UseAsBackground.__annotations__ = {
    "depth": props.EnumProperty(
        name="Depth",
        items=[
            ("BACK", "Behind", "Behind the objects"),
            ("FRONT", "In Front", "Half transparent, in front of the objects"),
        ],
    ),
}


def _is_own_camera(data: Any) -> bool:
    return isinstance(data, bpy.types.Camera) and data.library is None


class UseAsWorld(bpy.types.Operator):
    """Make the picture the scene's world; the world that it had stays in the file"""

    bl_idname = "mixdiff.use_as_world"
    bl_label = "Use MixDiff Picture as World"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        surrounding: Surrounding

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a picture."""
        return _result_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Make the world."""
        scene = scene_in(context)
        put_in_world(_result(scene), scene, self.surrounding)
        if scene.render.film_transparent:
            scene.render.film_transparent = False
            self.report({"INFO"}, "Film > Transparent is off now, so that the world is seen")
        return {"FINISHED"}


UseAsWorld.__annotations__ = {
    "surrounding": props.EnumProperty(
        name="Place",
        items=[
            ("BACKDROP", "Backdrop", "Fills the camera's frame; the scene's light stays as it is"),
            ("AROUND", "All Around", "A panorama that lights the scene too (equirectangular)"),
        ],
    ),
}


class KeepSeed(bpy.types.Operator):
    """Use the seed of the last picture for the next ones too"""

    bl_idname = "mixdiff.keep_seed"
    bl_label = "Keep MixDiff Picture's Seed"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a seed to keep."""
        cls.poll_message_set("There is no picture yet; generate one")
        return bool(canvas_settings(scene_in(context)).result_seed)

    def execute(self, context: Any) -> Result:
        """Copy the seed."""
        settings = canvas_settings(scene_in(context))
        settings.seed_digits = settings.result_seed
        return {"FINISHED"}


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
