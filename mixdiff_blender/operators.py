"""What a person can do: each operator collects its input and hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from . import generation, running
from .contexts import scene_in, view_layer_in
from .contract import EngineError
from .declarations import props
from .job_from_scene import region_objects
from .properties import canvas_settings, region_settings
from .regions.planes import WITH_SURFACE
from .results.compositor import Placing, put_in_compositor
from .results.texture import put_on

Result = set[Any]


def _selected_with_surface(context: Any) -> list[bpy.types.Object]:
    objects = view_layer_in(context).objects
    return [obj for obj in objects if obj.select_get() and obj.type in WITH_SURFACE]


class Generate(bpy.types.Operator):
    """Paint the picture that the regions before the camera describe"""

    bl_idname = "mixdiff.generate"
    bl_label = "Generate MixDiff Picture"

    if TYPE_CHECKING:
        wait: bool

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether a picture can be made."""
        scene = scene_in(context)
        if running.session.is_busy:
            cls.poll_message_set("A picture is already being made")
        elif scene.camera is None:
            cls.poll_message_set("The scene has no camera; add one (Add > Camera)")
        elif not region_objects(scene):
            cls.poll_message_set(
                "No object is a region; select one and choose Object > Add as MixDiff Region"
            )
        else:
            return True
        return False

    def execute(self, context: Any) -> Result:
        """Begin the job; without a window, or told to wait, return when the picture is there."""
        scene = scene_in(context)
        try:
            generation.begin(scene, context.evaluated_depsgraph_get())
        except EngineError as error:
            report = generation.last_report(scene)
            self.report({"ERROR"}, report.text if report else str(error))
            return {"CANCELLED"}
        if not (self.wait or bpy.app.background):
            return {"FINISHED"}
        running.wait()
        report = generation.last_report(scene)
        if report is None or report.error:
            self.report({"ERROR"}, report.text if report else "There is no picture")
            return {"CANCELLED"}
        for line in report.lines:
            self.report({line.severity}, line.text)
        return {"FINISHED"}


Generate.__annotations__ = {
    "wait": props.BoolProperty(
        name="Wait",
        description="Return only when the picture is there, as always without a window",
        options={"SKIP_SAVE", "HIDDEN"},
    ),
}


class Cancel(bpy.types.Operator):
    """Stop making the picture; asked twice, the engine itself is ended"""

    bl_idname = "mixdiff.cancel"
    bl_label = "Cancel MixDiff Picture"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is something to cancel."""
        cls.poll_message_set("No picture is being made")
        return running.session.is_busy

    def execute(self, context: Any) -> Result:
        """Ask for the end; the timer hears of it."""
        running.session.cancel()
        running.redraw()
        return {"FINISHED"}


class MarkRegions(bpy.types.Operator):
    """Make each selected object a region of the picture, with a prompt of its own"""

    bl_idname = "mixdiff.mark_regions"
    bl_label = "Add as MixDiff Region"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether something is selected that can be a region."""
        cls.poll_message_set("Select a plane or another object with a surface")
        return bool(_selected_with_surface(context))

    def execute(self, context: Any) -> Result:
        """Mark the objects."""
        for obj in _selected_with_surface(context):
            region_settings(obj).enabled = True
        return {"FINISHED"}


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
        return bool(_selected_with_surface(context))

    def execute(self, context: Any) -> Result:
        """Give the objects the picture's material."""
        image = canvas_settings(scene_in(context)).result
        assert image is not None
        for obj in _selected_with_surface(context):
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
    """Add what makes and uses pictures to the Render menu; F3 searches menus."""
    layout = menu.layout
    layout.separator()
    layout.operator(Generate.bl_idname, icon="IMAGE_DATA")
    layout.operator(Cancel.bl_idname, icon="X")
    layout.operator(UseInCompositor.bl_idname, icon="NODE_COMPOSITING")
    layout.operator(KeepSeed.bl_idname, icon="PINNED")


def draw_object_menu(menu: Any, context: Any) -> None:
    """Add what is done to objects to the Object menu."""
    layout = menu.layout
    layout.separator()
    layout.operator(MarkRegions.bl_idname, icon="MESH_PLANE")
    layout.operator(UseAsTexture.bl_idname, icon="TEXTURE")


CLASSES = (
    Generate,
    Cancel,
    MarkRegions,
    UseAsTexture,
    UseInCompositor,
    KeepSeed,
)


def _menus() -> tuple[tuple[Any, Any], ...]:
    return (
        (bpy.types.TOPBAR_MT_render, draw_render_menu),
        (bpy.types.VIEW3D_MT_object, draw_object_menu),
    )


def attach() -> None:
    """Put the operators into the menus."""
    for menu, draw in _menus():
        menu.append(draw)


def detach() -> None:
    """Take the operators out of the menus."""
    for menu, draw in _menus():
        menu.remove(draw)
