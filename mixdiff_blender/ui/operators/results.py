"""Using the generated image."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.regions.camera import border_of
from ...job.regions.projection import WHOLE_FRAME
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import EnumProperty
from ...results import history
from ...results.background import (
    Depth,
    depth_in,
    put_behind_camera_view,
    take_out_of_camera_view,
)
from ...results.compositor import (
    Placing,
    placing_in,
    put_in_compositor,
    take_out_of_compositor,
)
from ...results.documents import view_of_entry, wrap_of_entry
from ...results.shot_record import record_of
from ...results.texture import TILES, Tiling, put_on, tiling_on
from ...results.texture import take_off as take_texture_off
from ...results.world import (
    Surrounding,
    put_in_world,
    surrounding_of,
    take_out_of_world,
    turn_along,
)
from .base import UndoableOperator, entries, require
from .projecting import Project, TakeProjectionOff
from .result_use import NO_IMAGE, OBJECT_MENU, ResultUse, result_in
from .selection import selected_with_surface

_HAS_SEAMS = (
    "This picture does not repeat both ways, and has seams: set Size > Repeats to Both Ways, and "
    "generate again"
)


class UseAsTexture(ResultUse):
    """Show the picture on each selected object, as bright as in a picture viewer"""

    bl_idname = "mixdiff.use_as_texture"
    bl_label = "Use MixDiff Picture as Texture"
    icon = "TEXTURE"
    menu = OBJECT_MENU
    described_by = "tiling"
    buttons = (("Texture", {"tiling": "ONCE"}), ("Tiles", {"tiling": "TILES"}))
    requirements = (
        *ResultUse.requirements,
        require(selected_with_surface, "Select the objects to show the picture on"),
    )

    tiling: Tiling = EnumProperty(
        name="Repeat",
        items=[
            (
                "ONCE",
                "Once",
                "Stretch it over the object's UV map, or its two widest sides",
            ),
            ("TILES", "Tiles", f"Repeat it {TILES} × {TILES} times (Scale in its material)"),
        ],
    )

    @classmethod
    def applied(cls, image: bpy.types.Image, context: Any) -> str:
        """Return how the first selected object that shows the picture does."""
        found = (tiling_on(image, obj) for obj in selected_with_surface(context))
        return next(filter(None, found), "")

    @classmethod
    def take_off(cls, image: bpy.types.Image, context: Any) -> None:
        """Give the selected objects their materials back."""
        for obj in selected_with_surface(context):
            if tiling_on(image, obj):
                take_texture_off(obj)

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Give the objects the picture's material."""
        flat = []
        for obj in selected_with_surface(context):
            if put_on(image, obj, self.tiling) != "UV":
                flat.append(obj.name)
        if flat:
            names = ", ".join(flat)
            self.report(
                {"INFO"}, f"Without a UV map, stretched over their two widest sides: {names}"
            )
        entry = history.active_entry(scene_in(context))
        if self.tiling == "TILES" and entry and wrap_of_entry(entry) != "both":
            self.report({"WARNING"}, _HAS_SEAMS)


class UseInCompositor(ResultUse):
    """Show the picture in the compositor's output, joined to what is there"""

    bl_idname = "mixdiff.use_in_compositor"
    bl_label = "Use MixDiff Picture in Compositor"
    icon = "NODE_COMPOSITING"
    described_by = "placing"
    buttons = (("Behind Render", {"placing": "BEHIND"}), ("Alone", {"placing": "ALONE"}))

    placing: Placing = EnumProperty(
        name="Placing",
        items=[
            ("BEHIND", "Behind the Render", "Make the picture the backdrop of what is rendered"),
            ("ALONE", "Alone", "Put the picture in the place of what is rendered"),
        ],
    )

    @classmethod
    def applied(cls, image: bpy.types.Image, context: Any) -> str:
        """Return how the compositor shows the picture."""
        return placing_in(image, scene_in(context))

    @classmethod
    def take_off(cls, image: bpy.types.Image, context: Any) -> None:
        """Take the picture's nodes out."""
        take_out_of_compositor(scene_in(context))

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Lead the picture to the compositor's output."""
        scene = scene_in(context)
        was_opaque = not scene.render.film_transparent
        put_in_compositor(image, scene, self.placing)
        if was_opaque and scene.render.film_transparent:
            self.report({"INFO"}, "Film > Transparent is on now, so that the picture is seen")
        self.say_how_renders_differ(image, context, fills_frame=True)


def _has_own_camera(context: Any) -> bool:
    camera = scene_in(context).camera
    data = camera.data if camera else None
    return isinstance(data, bpy.types.Camera) and data.library is None


class UseAsBackground(ResultUse):
    """Show the picture in the camera's view, in the viewport only"""

    bl_idname = "mixdiff.use_as_background"
    bl_label = "Use MixDiff Picture as Camera Background"
    icon = "IMAGE_BACKGROUND"
    described_by = "depth"
    buttons = (("Camera Background", {}),)
    requirements = (
        *ResultUse.requirements,
        require(_has_own_camera, "The scene has no camera of its own file; add one (Add > Camera)"),
    )

    depth: Depth = EnumProperty(
        name="Depth",
        items=[
            ("BACK", "Behind", "Show the picture in the camera's view, behind the objects"),
            ("FRONT", "In Front", "Show it half transparent, in front of the objects"),
        ],
    )

    @classmethod
    def applied(cls, image: bpy.types.Image, context: Any) -> str:
        """Return at which depth the camera shows the picture."""
        camera: Any = scene_in(context).camera
        return depth_in(image, camera.data) if _has_own_camera(context) else ""

    @classmethod
    def take_off(cls, image: bpy.types.Image, context: Any) -> None:
        """Take the picture out of the camera's view."""
        camera: Any = scene_in(context).camera
        take_out_of_camera_view(image, camera.data)

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Add the background, or bring it up to date."""
        scene = scene_in(context)
        camera: Any = scene.camera
        put_behind_camera_view(image, camera.data, self.depth)
        if border_of(scene) != WHOLE_FRAME:
            self.report({"WARNING"}, "It fills the frame, though it is of the render region alone")
        if not camera.visible_get():
            self.report({"WARNING"}, f"Show {camera.name!r}: a hidden camera shows no background")


_NO_PANORAMA = (
    "This picture is of a camera's frame, and is stretched all around: for a world, choose "
    "Look: All Around, or a panoramic camera, and generate again"
)


class UseAsWorld(ResultUse):
    """Make the picture the scene's world; the world that it had stays in the file"""

    bl_idname = "mixdiff.use_as_world"
    bl_label = "Use MixDiff Picture as World"
    icon = "WORLD"
    described_by = "surrounding"
    buttons = (("Backdrop", {"surrounding": "BACKDROP"}), ("World", {"surrounding": "AROUND"}))

    surrounding: Surrounding = EnumProperty(
        name="Place",
        items=[
            ("BACKDROP", "Backdrop", "Fill the camera's frame; the scene's light stays as it is"),
            (
                "AROUND",
                "All Around",
                "Surround the scene with a panorama that lights it (equirectangular)",
            ),
        ],
    )

    @classmethod
    def applied(cls, image: bpy.types.Image, context: Any) -> str:
        """Return how the picture is the world."""
        return surrounding_of(scene_in(context))

    @classmethod
    def take_off(cls, image: bpy.types.Image, context: Any) -> None:
        """Give the scene its world back."""
        take_out_of_world(scene_in(context))

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Make the world."""
        scene = scene_in(context)
        entry = history.active_entry(scene)
        view = view_of_entry(entry) if entry else None
        put_in_world(image, scene, self.surrounding, view)
        if self.surrounding == "AROUND" and entry and (record := record_of(entry)):
            turn_along(scene, record.known_views)
        if self.surrounding == "AROUND" and view and not view.is_panorama:
            self.report({"WARNING"}, _NO_PANORAMA)
        if scene.render.film_transparent:
            scene.render.film_transparent = False
            self.report({"INFO"}, "Film > Transparent is off now, so that the world is seen")
        is_backdrop = self.surrounding == "BACKDROP"
        self.say_how_renders_differ(image, context, fills_frame=is_backdrop)


class KeepSeed(ResultUse):
    """Use the seed of the last picture for the next ones too"""

    bl_idname = "mixdiff.keep_seed"
    bl_label = "Keep MixDiff Picture's Seed"
    icon = "PINNED"
    requirements = (
        require(lambda context: canvas_settings(scene_in(context)).result_seed, NO_IMAGE),
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


class TakeOff(UndoableOperator):
    """Take the picture off again, and give back what it took the place of"""

    bl_idname = "mixdiff.take_off"
    bl_label = "Take MixDiff Picture Off"
    icon = "X"
    requirements = ResultUse.requirements

    use: str = EnumProperty(
        name="Use",
        items=[(use.bl_idname, use.bl_label, str(use.__doc__)) for use in USES if use.buttons],
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def run(self, context: Any) -> None:
        """Take it off where it is used so."""
        image = result_in(context)
        assert image is not None
        chosen = next(use for use in USES if use.bl_idname == self.use)
        if not chosen.applied(image, context):
            raise EngineError("The picture is not used so here", kind="job")
        chosen.take_off(image, context)


def draw_uses(column: Any, image: bpy.types.Image, context: Any) -> None:
    """Draw the buttons of all uses, two in a row; beside what is applied, what takes it off."""
    buttons = [(use, *button) for use in USES for button in use.buttons]
    for start in range(0, len(buttons), 2):
        shown = buttons[start : start + 2]
        halves = column.split(factor=1 / len(shown), align=True)
        for use, text, settings in shown:
            part = halves.row(align=True)
            applied = use.applied(image, context)
            is_applied = bool(applied) and settings.get(use.described_by, applied) == applied
            use.button(part, text, depress=is_applied, **settings)
            if is_applied:
                TakeOff.button(part, "", use=use.bl_idname)


CLASSES = (*USES, TakeOff)
MENUS = tuple((use.menu, entries(use.button)) for use in USES)
