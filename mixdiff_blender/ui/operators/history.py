"""Going back to earlier results, and making others like them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import bpy

from ...backend import engine
from ...contract import EngineError
from ...properties import HistoryEntry, canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import choice_items, props
from ...results import batch, generation, history
from .generate import Generate

Result = set[Any]


def _entry_poll(cls: Any, context: Any) -> bool:
    cls.poll_message_set("There is no result yet; generate a picture, or load one")
    return history.active_entry(scene_in(context)) is not None


def _active(context: Any) -> HistoryEntry:
    return cast(HistoryEntry, history.active_entry(scene_in(context)))


def _finish(operator: Any, scene: bpy.types.Scene) -> Result:
    """Wait where there is no window, and tell how it went."""
    if not bpy.app.background:
        return {"FINISHED"}
    engine.wait()
    report = generation.last_report(scene)
    if report is None or report.error:
        operator.report({"ERROR"}, report.text if report else "There is no picture")
        return {"CANCELLED"}
    return {"FINISHED"}


def _selected_names(scene: bpy.types.Scene, context: Any) -> set[str]:
    """Return the names of the selected objects, or of the layer that is chosen in the list."""
    names = {obj.name for obj in context.view_layer.objects if obj.select_get()}
    settings = canvas_settings(scene)
    if 0 <= settings.active_region < len(settings.regions):
        entry = settings.regions[settings.active_region]
        if entry.object is None:
            names.add(entry.layer)
    return names


class BrowseHistory(bpy.types.Operator):
    """Show the result before or after the one that is shown"""

    bl_idname = "mixdiff.browse_history"
    bl_label = "Show Another MixDiff Result"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        direction: str

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a result."""
        return _entry_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Show the neighbour."""
        settings = canvas_settings(scene_in(context))
        step = -1 if self.direction == "PREVIOUS" else 1
        number = settings.active_history + step
        if not 0 <= number < len(settings.history):
            self.report({"INFO"}, "There is no other result in that direction")
            return {"CANCELLED"}
        settings.active_history = number
        return {"FINISHED"}


BrowseHistory.__annotations__ = {
    "direction": props.EnumProperty(
        name="Direction",
        items=[("PREVIOUS", "Earlier", "The result before"), ("NEXT", "Later", "The result after")],
    ),
}


class UseSettings(bpy.types.Operator):
    """Bring back the settings, prompts and seeds that this result was painted with"""

    bl_idname = "mixdiff.use_settings"
    bl_label = "Use MixDiff Result's Settings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a result."""
        return _entry_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Set the scene's and the regions' properties."""
        entry = _active(context)
        try:
            missing = history.restore(scene_in(context), entry)
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if missing:
            self.report({"WARNING"}, f"Regions that are gone since: {', '.join(missing)}")
        elif not entry.settings:
            self.report({"INFO"}, "Only the canvas's settings: the file does not name its regions")
        return {"FINISHED"}


class Vary(bpy.types.Operator):
    """Make this result again with the same seed, but another start where regions are selected"""

    bl_idname = "mixdiff.vary"
    bl_label = "Vary MixDiff Result"

    if TYPE_CHECKING:
        mode: str
        noise_eps: float

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a result."""
        return _entry_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Begin the job; the whole picture varies where none of its regions is selected."""
        scene, entry = scene_in(context), _active(context)
        names = _selected_names(scene, context) & history.region_names(entry)
        try:
            generation.begin_variation(
                scene, entry, names, mode=self.mode, noise_eps=self.noise_eps
            )
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return _finish(self, scene)


Vary.__annotations__ = {
    "mode": props.EnumProperty(
        name="Change", items=choice_items(("epsilon", "reset")), options={"SKIP_SAVE"}
    ),
    "noise_eps": props.FloatProperty(
        name="Variation",
        description="How far a slight change goes (noise_eps)",
        default=0.2,
        min=0.0,
        soft_max=1.0,
    ),
}


class GenerateBatch(bpy.types.Operator):
    """Paint several pictures, each with another seed; cancelling one cancels the rest"""

    bl_idname = "mixdiff.generate_batch"
    bl_label = "Generate Several MixDiff Pictures"

    if TYPE_CHECKING:
        count: int

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether pictures can be made."""
        return bool(Generate.poll(context))

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask how many."""
        manager: Any = context.window_manager
        answer: Result = manager.invoke_props_dialog(self)
        return answer

    def execute(self, context: Any) -> Result:
        """Begin them, one after the other."""
        scene = scene_in(context)
        try:
            batch.begin(scene, context.evaluated_depsgraph_get(), self.count)
        except EngineError as error:
            report = generation.last_report(scene)
            self.report({"ERROR"}, report.text if report else str(error))
            return {"CANCELLED"}
        return _finish(self, scene)


GenerateBatch.__annotations__ = {
    "count": props.IntProperty(
        name="Pictures", description="How many pictures to make", default=4, min=1, soft_max=16
    ),
}


class KeepImage(bpy.types.Operator):
    """Keep this result as an image of its own, which later pictures do not replace"""

    bl_idname = "mixdiff.keep_image"
    bl_label = "Keep MixDiff Result as Own Image"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a result."""
        return _entry_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Make the image."""
        try:
            image = history.keep(scene_in(context), _active(context))
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Kept as the image {image.name!r}")
        return {"FINISHED"}


class RemoveResult(bpy.types.Operator):
    """Remove this result from the history; its file stays unless told otherwise"""

    bl_idname = "mixdiff.remove_result"
    bl_label = "Remove MixDiff Result"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        with_file: bool

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Tell whether there is a result."""
        return _entry_poll(cls, context)

    def execute(self, context: Any) -> Result:
        """Remove the entry."""
        scene = scene_in(context)
        number = canvas_settings(scene).active_history
        try:
            history.remove(scene, number, with_file=self.with_file)
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


RemoveResult.__annotations__ = {
    "with_file": props.BoolProperty(
        name="Delete File Too",
        description="Delete the picture's file, which undo does not bring back",
        options={"SKIP_SAVE"},
    ),
}


class LoadPicture(bpy.types.Operator):
    """Add a picture that MixDiff made to the history, with the job that its file holds"""

    bl_idname = "mixdiff.load_picture"
    bl_label = "Load MixDiff Picture"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        filepath: str
        filter_glob: str

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> Result:
        """Read the file."""
        try:
            history.load(scene_in(context), Path(bpy.path.abspath(self.filepath)))
        except EngineError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


LoadPicture.__annotations__ = {
    "filepath": props.StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"}),
    "filter_glob": props.StringProperty(default="*.png", options={"HIDDEN"}),
}


def draw_render_menu(menu: Any, context: Any) -> None:
    """Add what is done with earlier results to the Render menu."""
    layout = menu.layout
    layout.operator(GenerateBatch.bl_idname, icon="RENDER_ANIMATION")
    layout.operator(Vary.bl_idname, icon="MOD_NOISE")
    layout.operator(UseSettings.bl_idname, icon="LOOP_BACK")
    for direction, label, icon in (
        ("PREVIOUS", "Show Earlier MixDiff Result", "TRIA_LEFT"),
        ("NEXT", "Show Later MixDiff Result", "TRIA_RIGHT"),
    ):
        entry = layout.operator(BrowseHistory.bl_idname, text=label, icon=icon)
        entry.direction = direction
    layout.operator(KeepImage.bl_idname, icon="FAKE_USER_ON")
    layout.operator(LoadPicture.bl_idname, icon="FILE_FOLDER")
    layout.operator(RemoveResult.bl_idname, icon="TRASH")


CLASSES = (
    BrowseHistory,
    UseSettings,
    Vary,
    GenerateBatch,
    KeepImage,
    RemoveResult,
    LoadPicture,
)
MENUS = (("TOPBAR_MT_render", draw_render_menu),)
