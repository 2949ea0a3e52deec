"""Controls: what the picture or a region is held to, and what the scene gives for that."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import CONTROL_KINDS, KnownControlNet, known_for
from ...job.controls.pictures import SCENE_PICTURES
from ...job.model_facts import model_facts
from ...job.regions.entries import settings_of
from ...properties import OF_PICTURE, canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import (
    BoolProperty,
    Declaring,
    EnumProperty,
    IntProperty,
    StringProperty,
    choice_items,
)
from ...results.control_pictures import show_control
from .base import (
    RENDER_MENU,
    ReportingOperator,
    Result,
    UndoableOperator,
    entries,
    require,
    submenu,
)
from .region_list import active_entry
from .viewing import image_editor

KIND_ICONS = {
    "depth": "MOD_DISPLACE",
    "normal": "NORMALS_FACE",
    "edges": "EDGESEL",
    "segmentation": "COLOR",
    "pose": "ARMATURE_DATA",
    "scribble": "GREASEPENCIL",
    "other": "IMAGE_DATA",
}
_SCENE_KINDS = tuple(SCENE_PICTURES)


def controls_in(context: Any, *, of_region: bool) -> Any:
    """Return the list of controls of the picture, or of the chosen region; None without one."""
    scene = scene_in(context)
    if not of_region:
        return canvas_settings(scene).controls
    entry = active_entry(scene)
    return None if entry is None else settings_of(entry).controls


class _OfControls(Declaring):
    """Acts on the controls of the picture, or of the chosen region."""

    of_region = BoolProperty(
        name="Of Region",
        description="The chosen region's, instead of the whole picture's",
        options={"SKIP_SAVE"},
    )
    index = IntProperty(name="Number", description="Which one, from 0", options={"SKIP_SAVE"})

    def chosen(self, context: Any) -> Any:
        """Return the list and the control in it, None where there is no such."""
        listed = controls_in(context, of_region=self.of_region)
        if listed is None or not 0 <= self.index < len(listed):
            return listed, None
        return listed, listed[self.index]


class AddControl(_OfControls, UndoableOperator):
    """Hold the picture, or a region, to what the camera sees or to a picture of yours"""

    bl_idname = "mixdiff.add_control"
    bl_label = "Add MixDiff Control"
    icon = "ADD"
    described_by = "kind"

    kind: str = EnumProperty(
        name="Kind", description="What the picture shows", items=choice_items(CONTROL_KINDS)
    )

    def run(self, context: Any) -> Result | None:
        """Add it at the end of the list."""
        listed, _ = self.chosen(context)
        if listed is None:
            self.report({"ERROR"}, "Choose a region in the list first")
            return {"CANCELLED"}
        control = listed.add()
        control.kind = self.kind
        if self.kind not in SCENE_PICTURES:
            control.source = OF_PICTURE
        return None


class RemoveControl(_OfControls, UndoableOperator):
    """Hold the picture, or the region, to this no longer"""

    bl_idname = "mixdiff.remove_control"
    bl_label = "Remove MixDiff Control"
    icon = "X"

    def run(self, context: Any) -> Result | None:
        """Take it off the list."""
        listed, control = self.chosen(context)
        if control is None:
            self.report({"ERROR"}, f"There is no control {self.index}")
            return {"CANCELLED"}
        listed.remove(self.index)
        return None


class ChooseControlNet(_OfControls, UndoableOperator):
    """Use this ControlNet"""

    bl_idname = "mixdiff.choose_controlnet"
    bl_label = "Choose MixDiff ControlNet"

    model = StringProperty(name="ControlNet", description="Hub id; empty for the known one")

    def run(self, context: Any) -> Result | None:
        """Set it."""
        _, control = self.chosen(context)
        if control is None:
            self.report({"ERROR"}, f"There is no control {self.index}")
            return {"CANCELLED"}
        control.model = self.model
        return None


class PreviewControl(ReportingOperator):
    """Draw what the scene gives for a control, as an image to look at"""

    bl_idname = "mixdiff.preview_control"
    bl_label = "Preview MixDiff Control"
    icon = "HIDE_OFF"
    bl_options = {"REGISTER", "UNDO"}
    requirements = (require(lambda context: scene_in(context).camera, "The scene needs a camera"),)

    kind: str = EnumProperty(
        name="Kind", description="What the picture shows", items=choice_items(_SCENE_KINDS)
    )
    in_editor = BoolProperty(
        name="In Image Editor",
        description="Show it in an Image Editor too: in one that is open, else in a new window",
        options={"SKIP_SAVE"},
    )

    def run(self, context: Any) -> None:
        """Draw it.

        Raises: EngineError without a camera.
        """
        depsgraph = context.evaluated_depsgraph_get()
        image = show_control(scene_in(context), depsgraph, self.kind)
        if self.in_editor and not bpy.app.background:
            image_editor(context).image = image
        self.report({"INFO"}, f"The picture is the image {image.name!r}")


def controlnets_for(context: Any, control: Any) -> tuple[KnownControlNet, ...]:
    """Return the known ControlNets for a control, the one that is meant without a name first."""
    return known_for(model_facts(scene_in(context)), control.kind)


class _AddMenu(bpy.types.Menu):
    of_region = False
    layout: Any

    def draw(self, context: Any) -> None:
        """Draw a line for each kind."""
        for kind, label, _ in choice_items(CONTROL_KINDS):
            AddControl.button(
                self.layout, label, KIND_ICONS[kind], kind=kind, of_region=self.of_region
            )


class AddControlMenu(_AddMenu):
    """What the whole picture may be held to."""

    bl_idname = "MIXDIFF_MT_add_control"
    bl_label = "Add Control"


class AddRegionControlMenu(_AddMenu):
    """What the chosen region may be held to."""

    bl_idname = "MIXDIFF_MT_add_region_control"
    bl_label = "Add Control to Region"
    of_region = True


class PreviewMenu(bpy.types.Menu):
    """What the scene gives for controls."""

    bl_idname = "MIXDIFF_MT_preview_control"
    bl_label = "Preview Control"

    layout: Any

    def draw(self, context: Any) -> None:
        """Draw a line for each kind."""
        for kind, label, _ in choice_items(_SCENE_KINDS):
            PreviewControl.button(self.layout, label, KIND_ICONS[kind], kind=kind, in_editor=True)


CLASSES = (
    AddControl,
    RemoveControl,
    ChooseControlNet,
    PreviewControl,
    AddControlMenu,
    AddRegionControlMenu,
    PreviewMenu,
)
MENUS = ((RENDER_MENU, entries(submenu(PreviewMenu, "MOD_DISPLACE"))),)
