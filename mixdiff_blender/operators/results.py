"""Using the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..contexts import scene_in
from ..declarations import props
from ..properties import canvas_settings
from ..results.compositor import Placing, put_in_compositor
from ..results.texture import put_on
from .selection import selected_with_surface

Result = set[Any]


def _result_poll(cls: type[bpy.types.Operator], context: Any) -> bool:
    cls.poll_message_set("There is no picture yet; generate one")
    return canvas_settings(scene_in(context)).result is not None


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
        image = canvas_settings(scene_in(context)).result
        assert image is not None
        for obj in selected_with_surface(context):
            put_on(image, obj)
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
        image = canvas_settings(scene).result
        assert image is not None
        was_opaque = not scene.render.film_transparent
        put_in_compositor(image, scene, self.placing)
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
    layout.operator(KeepSeed.bl_idname, icon="PINNED")


def draw_object_menu(menu: Any, context: Any) -> None:
    """Add what is done to objects to the Object menu."""
    menu.layout.operator(UseAsTexture.bl_idname, icon="TEXTURE")


CLASSES = (UseAsTexture, UseInCompositor, KeepSeed)
MENUS = (("TOPBAR_MT_render", draw_render_menu), ("VIEW3D_MT_object", draw_object_menu))
