"""What a person can do: thin operators that collect and hand over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from . import session
from .contract import errors
from .job_from_scene import SceneJob, check, job_from_scene
from .results.compositor import use_in_compositor
from .results.texture import use_as_texture

Result = set[Any]


def scene_job(context: bpy.types.Context) -> SceneJob:
    """Return the job of the context's scene, with its pictures in files.

    Raises: EngineError with what is wrong.
    """
    context.view_layer.update()
    depsgraph = context.evaluated_depsgraph_get()
    reference_path = session.SESSION.references.path
    return job_from_scene(context.scene, context.view_layer, depsgraph, reference_path)


def _has_result(cls: Any, context: bpy.types.Context) -> bool:
    if context.scene.mixdiff.result is None:
        cls.poll_message_set("There is no picture yet: generate one first")
        return False
    return True


def _has_meshes(cls: Any, context: bpy.types.Context) -> bool:
    if not any(item.type == "MESH" for item in context.selected_objects):
        cls.poll_message_set("Select the meshes first")
        return False
    return True


class MIXDIFF_OT_generate(bpy.types.Operator):  # noqa: N801 (Blender's rule)
    """Make one seamless picture of the regions that the camera sees"""

    bl_idname = "mixdiff.generate"
    bl_label = "Generate MixDiff Picture"
    __annotations__ = {
        "output": bpy.props.StringProperty(
            name="Output",
            description="File of the picture. Empty for the next free name beside the .blend",
            subtype="FILE_PATH",
            options={"SKIP_SAVE"},
        ),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether a job can be sent now."""
        if session.SESSION.is_busy:
            cls.poll_message_set("A job is running already: wait for it, or cancel it")
            return False
        if context.scene.camera is None:
            cls.poll_message_set("The scene has no camera: add one and look through it")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """Send the job; without a window, wait for its picture too."""
        output = Path(bpy.path.abspath(self.output)) if self.output else None
        try:
            job = scene_job(context)
            for warning in check(job, Path.home()):
                self.report({"WARNING"}, warning)
            session.SESSION.generate(context.scene, job, output)
            if bpy.app.background:
                outcome = session.SESSION.wait()
                if outcome.error is not None:
                    raise outcome.error
                self.report({"INFO"}, f"{outcome.task.output}")
        except errors.EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MIXDIFF_OT_cancel(bpy.types.Operator):  # noqa: N801
    """End the job that runs; its picture is dropped"""

    bl_idname = "mixdiff.cancel"
    bl_label = "Cancel MixDiff Job"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Tell whether there is a job to cancel."""
        if not session.SESSION.is_busy:
            cls.poll_message_set("No job is running")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> Result:
        """Ask the engine to end the job."""
        session.SESSION.cancel()
        return {"FINISHED"}


class MIXDIFF_OT_mark_regions(bpy.types.Operator):  # noqa: N801
    """Let the selected meshes be regions of the picture"""

    bl_idname = "mixdiff.mark_regions"
    bl_label = "Add as MixDiff Region"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether a mesh is selected."""
        return _has_meshes(cls, context)

    def execute(self, context: bpy.types.Context) -> Result:
        """Mark them."""
        for item in context.selected_objects:
            if item.type == "MESH":
                item.mixdiff.enabled = True
        return {"FINISHED"}


class MIXDIFF_OT_unmark_region(bpy.types.Operator):  # noqa: N801
    """Take the active region out of the picture; its settings are kept"""

    bl_idname = "mixdiff.unmark_region"
    bl_label = "Remove MixDiff Region"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether the active object is a region."""
        if context.object is None or not context.object.mixdiff.enabled:
            cls.poll_message_set("The active object is no region")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """Unmark it."""
        context.object.mixdiff.enabled = False
        return {"FINISHED"}


class MIXDIFF_OT_use_as_texture(bpy.types.Operator):  # noqa: N801
    """Show the picture on the selected meshes, in the colours it has in a picture viewer"""

    bl_idname = "mixdiff.use_as_texture"
    bl_label = "Use MixDiff Picture as Texture"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether there is a picture and a mesh for it."""
        return _has_result(cls, context) and _has_meshes(cls, context)

    def execute(self, context: bpy.types.Context) -> Result:
        """Assign the material."""
        count = use_as_texture(context.scene.mixdiff.result, context.selected_objects)
        self.report({"INFO"}, f"The picture is on {count} meshes")
        return {"FINISHED"}


class MIXDIFF_OT_use_in_compositor(bpy.types.Operator):  # noqa: N801
    """Put the picture into the compositor, joined to what is there"""

    bl_idname = "mixdiff.use_in_compositor"
    bl_label = "Use MixDiff Picture in Compositor"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    __annotations__ = {
        "place": bpy.props.EnumProperty(
            name="Place",
            items=(
                ("BEHIND", "Behind the render", "The render stands before the picture"),
                ("ALONE", "Alone", "The picture is all that comes out"),
            ),
        ),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Tell whether there is a picture."""
        return _has_result(cls, context)

    def execute(self, context: bpy.types.Context) -> Result:
        """Join the nodes."""
        use_in_compositor(context.scene, context.scene.mixdiff.result, self.place)
        return {"FINISHED"}


CLASSES = (
    MIXDIFF_OT_generate,
    MIXDIFF_OT_cancel,
    MIXDIFF_OT_mark_regions,
    MIXDIFF_OT_unmark_region,
    MIXDIFF_OT_use_as_texture,
    MIXDIFF_OT_use_in_compositor,
)


def _draw_in_object_menu(menu: Any, _context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator(MIXDIFF_OT_mark_regions.bl_idname)
    menu.layout.operator(MIXDIFF_OT_unmark_region.bl_idname)
    menu.layout.operator(MIXDIFF_OT_use_as_texture.bl_idname)


def _draw_in_render_menu(menu: Any, _context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator(MIXDIFF_OT_generate.bl_idname, icon="RENDER_STILL")
    menu.layout.operator(MIXDIFF_OT_cancel.bl_idname)
    menu.layout.operator(MIXDIFF_OT_use_in_compositor.bl_idname)


# F3 finds an operator only if some menu holds it.
_MENUS = (
    ("VIEW3D_MT_object", _draw_in_object_menu),
    ("TOPBAR_MT_render", _draw_in_render_menu),
)


def add_to_menus() -> None:
    """Put the operators into Blender's menus."""
    for name, draw in _MENUS:
        getattr(bpy.types, name).append(draw)


def remove_from_menus() -> None:
    """Take them out again."""
    for name, draw in _MENUS:
        getattr(bpy.types, name).remove(draw)
