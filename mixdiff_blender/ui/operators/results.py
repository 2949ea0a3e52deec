"""Using the generated image."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.regions.camera import border_of, view_of
from ...job.regions.planes import WITH_SURFACE, Visibility
from ...job.regions.projection import WHOLE_FRAME
from ...properties import canvas_settings, region_settings
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import BoolProperty, EnumProperty
from ...results import history
from ...results.background import Depth, put_behind_camera_view
from ...results.compositor import Placing, put_in_compositor
from ...results.documents import view_of_entry
from ...results.projection import is_projected, project, remove_projection
from ...results.texture import put_on
from ...results.world import Surrounding, put_in_world
from .base import Requirement, UndoableOperator, entries, require
from .selection import selected_with_surface

_RENDER_MENU, _OBJECT_MENU = "TOPBAR_MT_render", "VIEW3D_MT_object"
_NO_IMAGE = "There is no picture yet; generate one"


def _result(context: Any) -> bpy.types.Image | None:
    return canvas_settings(scene_in(context)).result


class ResultUse(UndoableOperator):
    """A way to use the picture: stands in a menu, and where it has buttons in the panel too."""

    requirements: tuple[Requirement, ...] = (require(_result, _NO_IMAGE),)
    menu = _RENDER_MENU
    buttons: tuple[tuple[str, dict[str, str]], ...] = ()
    """The text of each button in the panel, and the settings with which it runs."""

    def run(self, context: Any) -> None:
        """Use the picture."""
        image = _result(context)
        assert image is not None
        self.use(image, context)

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Use an image.

        Raises: EngineError, which becomes the report.
        """
        raise NotImplementedError


class UseAsTexture(ResultUse):
    """Show the picture on each selected object, as bright as in a picture viewer"""

    bl_idname = "mixdiff.use_as_texture"
    bl_label = "Use MixDiff Picture as Texture"
    icon = "TEXTURE"
    menu = _OBJECT_MENU
    buttons = (("Texture", {}),)
    requirements = (
        *ResultUse.requirements,
        require(selected_with_surface, "Select the objects to show the picture on"),
    )

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Give the objects the picture's material."""
        flat = []
        for obj in selected_with_surface(context):
            if put_on(image, obj) != "UV":
                flat.append(obj.name)
        if flat:
            names = ", ".join(flat)
            self.report(
                {"INFO"}, f"Without a UV map, stretched over their two widest sides: {names}"
            )


class Project(ResultUse):
    """Project the picture from the camera onto objects, so that it fits exactly and then sticks"""

    bl_idname = "mixdiff.project"
    bl_label = "Project MixDiff Picture"
    icon = "MOD_UVPROJECT"
    menu = _OBJECT_MENU
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
    keep = BoolProperty(
        name="Keep This Picture",
        description="Go on showing this picture there; off, the objects show each new one",
        default=True,
    )

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
        view = view or view_of(scene, context.evaluated_depsgraph_get())
        if self.keep and entry:
            image = history.keep(scene, entry)
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


class TakeProjectionOff(ResultUse):
    """Give the selected objects back the materials that they had before the projection"""

    bl_idname = "mixdiff.take_projection_off"
    bl_label = "Take MixDiff Projection Off"
    icon = "X"
    menu = _OBJECT_MENU
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


class UseInCompositor(ResultUse):
    """Show the picture in the compositor's output, joined to what is there"""

    bl_idname = "mixdiff.use_in_compositor"
    bl_label = "Use MixDiff Picture in Compositor"
    icon = "NODE_COMPOSITING"
    buttons = (("Behind Render", {"placing": "BEHIND"}), ("Alone", {"placing": "ALONE"}))

    placing: Placing = EnumProperty(
        name="Placing",
        items=[
            ("BEHIND", "Behind the Render", "The picture is the backdrop of what is rendered"),
            ("ALONE", "Alone", "The picture takes the place of what is rendered"),
        ],
    )

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Lead the picture to the compositor's output."""
        scene = scene_in(context)
        was_opaque = not scene.render.film_transparent
        put_in_compositor(image, scene, self.placing)
        if was_opaque and scene.render.film_transparent:
            self.report({"INFO"}, "Film > Transparent is on now, so that the picture is seen")


def _has_own_camera(context: Any) -> bool:
    camera = scene_in(context).camera
    data = camera.data if camera else None
    return isinstance(data, bpy.types.Camera) and data.library is None


class UseAsBackground(ResultUse):
    """Show the picture in the camera's view, in the viewport only"""

    bl_idname = "mixdiff.use_as_background"
    bl_label = "Use MixDiff Picture as Camera Background"
    icon = "IMAGE_BACKGROUND"
    buttons = (("Camera Background", {}),)
    requirements = (
        *ResultUse.requirements,
        require(_has_own_camera, "The scene has no camera of its own file; add one (Add > Camera)"),
    )

    depth: Depth = EnumProperty(
        name="Depth",
        items=[
            ("BACK", "Behind", "Behind the objects"),
            ("FRONT", "In Front", "Half transparent, in front of the objects"),
        ],
    )

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Add the background, or bring it up to date."""
        scene = scene_in(context)
        camera: Any = scene.camera
        put_behind_camera_view(image, camera.data, self.depth)
        if border_of(scene) != WHOLE_FRAME:
            self.report({"WARNING"}, "It fills the frame, though it is of the render region alone")
        if not camera.visible_get():
            self.report({"WARNING"}, f"Show {camera.name!r}: a hidden camera shows no background")


class UseAsWorld(ResultUse):
    """Make the picture the scene's world; the world that it had stays in the file"""

    bl_idname = "mixdiff.use_as_world"
    bl_label = "Use MixDiff Picture as World"
    icon = "WORLD"
    buttons = (("Backdrop", {"surrounding": "BACKDROP"}), ("World", {"surrounding": "AROUND"}))

    surrounding: Surrounding = EnumProperty(
        name="Place",
        items=[
            ("BACKDROP", "Backdrop", "Fills the camera's frame; the scene's light stays as it is"),
            ("AROUND", "All Around", "A panorama that lights the scene too (equirectangular)"),
        ],
    )

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Make the world."""
        scene = scene_in(context)
        put_in_world(image, scene, self.surrounding)
        if scene.render.film_transparent:
            scene.render.film_transparent = False
            self.report({"INFO"}, "Film > Transparent is off now, so that the world is seen")


class KeepSeed(ResultUse):
    """Use the seed of the last picture for the next ones too"""

    bl_idname = "mixdiff.keep_seed"
    bl_label = "Keep MixDiff Picture's Seed"
    icon = "PINNED"
    requirements = (
        require(lambda context: canvas_settings(scene_in(context)).result_seed, _NO_IMAGE),
    )

    def run(self, context: Any) -> None:
        """Copy the seed."""
        settings = canvas_settings(scene_in(context))
        settings.seed_digits = settings.result_seed


USES: tuple[type[ResultUse], ...] = (
    *(UseAsTexture, Project, TakeProjectionOff),
    *(UseInCompositor, UseAsWorld, UseAsBackground, KeepSeed),
)
"""A new one is a line here: its entry in a menu and its buttons follow."""


def draw_uses(column: Any) -> None:
    """Draw the buttons of all uses, two in a row."""
    buttons = [(use, *button) for use in USES for button in use.buttons]
    for start in range(0, len(buttons), 2):
        row = column.row(align=True)
        for use, text, settings in buttons[start : start + 2]:
            use.button(row, text, **settings)


CLASSES = USES
MENUS = tuple((use.menu, entries(use.button)) for use in USES)
