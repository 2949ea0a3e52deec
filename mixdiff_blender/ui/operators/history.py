"""Going back to earlier results, and making others like them."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import bpy

from ...job.regions.belonging import sources_with
from ...job.regions.entries import source_of
from ...properties import HistoryEntry, canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    StringProperty,
)
from ...results import generation, history
from ...results.documents import settings_of
from .base import (
    RENDER_MENU,
    ChoosesFile,
    ReportingOperator,
    Requirement,
    Result,
    UndoableOperator,
    entries,
    require,
)
from .generate import GenerateBatch, finish
from .region_list import active_entry


def shown_entry(context: Any) -> HistoryEntry:
    """Return the result that is shown, of which `OfResult` has made sure."""
    return cast(HistoryEntry, history.active_entry(scene_in(context)))


def selected_regions(scene: bpy.types.Scene, context: Any) -> set[str]:
    """Return ids and names of the regions of selected objects, or of the one chosen in the list."""
    selected = [obj for obj in context.view_layer.objects if obj.select_get()]
    found = list(sources_with(scene, selected))
    entry = active_entry(scene)
    if entry and entry.object is None:
        found.append(source_of(entry))
    return {key for source in found for key in (source.id, source.name)}


VARIATION_ITEMS = [
    (
        "epsilon",
        "Slightly",
        "Make this result again, a little different where regions are selected",
    ),
    ("reset", "Anew", "Make this result again, anew where regions are selected"),
]


class OfResult(ReportingOperator):
    """Acts on the result that is shown."""

    requirements: tuple[Requirement, ...] = (
        require(
            lambda context: history.active_entry(scene_in(context)) is not None,
            "There is no result yet; generate a picture, or load one",
        ),
    )


class BrowseHistory(OfResult, UndoableOperator):
    """Show the result before or after the one that is shown"""

    bl_idname = "mixdiff.browse_history"
    bl_label = "Show Another MixDiff Result"
    described_by = "direction"

    direction: str = EnumProperty(
        name="Direction",
        items=[
            ("PREVIOUS", "Earlier", "Show the result before this one"),
            ("NEXT", "Later", "Show the result after this one"),
        ],
    )

    def run(self, context: Any) -> Result | None:
        """Show the neighbour."""
        settings = canvas_settings(scene_in(context))
        step = -1 if self.direction == "PREVIOUS" else 1
        number = settings.active_history + step
        if not 0 <= number < len(settings.history):
            self.report({"INFO"}, "There is no other result in that direction")
            return {"CANCELLED"}
        settings.active_history = number
        return None


class UseSettings(OfResult, UndoableOperator):
    """Bring back the settings, prompts and seeds that this result was painted with"""

    bl_idname = "mixdiff.use_settings"
    bl_label = "Use MixDiff Result's Settings"
    icon = "LOOP_BACK"

    def run(self, context: Any) -> None:
        """Set the scene's and the regions' properties."""
        entry = shown_entry(context)
        missing = history.restore(scene_in(context), entry)
        if missing:
            self.report({"WARNING"}, f"Regions that are gone since: {', '.join(missing)}")
        elif not settings_of(entry):
            self.report({"INFO"}, "Only the canvas's settings: the file does not name its regions")


class Vary(OfResult):
    """Make this result again with the same seed, but another start where regions are selected"""

    bl_idname = "mixdiff.vary"
    bl_label = "Vary MixDiff Result"
    described_by = "mode"
    icon = "MOD_NOISE"

    mode: str = EnumProperty(name="Change", items=VARIATION_ITEMS, options={"SKIP_SAVE"})
    noise_eps = FloatProperty(
        name="Variation",
        description="How far a slight change goes (noise_eps)",
        default=0.2,
        min=0.0,
        soft_max=1.0,
    )

    def run(self, context: Any) -> None:
        """Begin the job; the whole picture varies where none of its regions is selected."""
        scene, entry = scene_in(context), shown_entry(context)
        chosen = selected_regions(scene, context)
        generation.begin_variation(scene, entry, chosen, mode=self.mode, noise_eps=self.noise_eps)
        finish(scene)


class KeepImage(OfResult, UndoableOperator):
    """Keep this result as an image of its own, which later pictures do not replace"""

    bl_idname = "mixdiff.keep_image"
    bl_label = "Keep MixDiff Result as Own Image"
    icon = "FAKE_USER_ON"

    def run(self, context: Any) -> None:
        """Make the image."""
        image = history.keep(scene_in(context), shown_entry(context))
        self.report({"INFO"}, f"Kept as the image {image.name!r}")


class RemoveResult(OfResult):
    """Remove this result from the history; its file stays unless told otherwise"""

    # A redo panel would delete a file at a click, and bring none back at another.
    bl_options = {"UNDO"}

    bl_idname = "mixdiff.remove_result"
    bl_label = "Remove MixDiff Result"
    icon = "TRASH"

    with_file = BoolProperty(
        name="Delete File Too",
        description="Delete the picture's file, which undo does not bring back",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask whether the file goes too."""
        return context.window_manager.invoke_props_dialog(self)  # type: ignore[no-any-return]

    def run(self, context: Any) -> None:
        """Remove the entry."""
        scene = scene_in(context)
        number = canvas_settings(scene).active_history
        history.remove(scene, number, with_file=self.with_file)


class LoadImage(ChoosesFile, UndoableOperator):
    """Add a picture that MixDiff made to the history, with the job that its file holds"""

    bl_idname = "mixdiff.load_picture"
    bl_label = "Load MixDiff Picture"
    icon = "FILE_FOLDER"

    filter_glob = StringProperty(default="*.png", options={"HIDDEN"})

    def run(self, context: Any) -> None:
        """Read the file."""
        history.load(scene_in(context), self.path)


def draw_browsing(layout: Any, earlier: str = "", later: str = "") -> None:
    """Draw what shows the results before and after the one that is shown."""
    BrowseHistory.button(layout, earlier, "TRIA_LEFT", direction="PREVIOUS")
    BrowseHistory.button(layout, later, "TRIA_RIGHT", direction="NEXT")


CLASSES = (BrowseHistory, UseSettings, Vary, KeepImage, RemoveResult, LoadImage)
_TEXTS = {"earlier": "Show Earlier MixDiff Result", "later": "Show Later MixDiff Result"}
_ENTRIES = (
    *(GenerateBatch.button, Vary.button, UseSettings.button, partial(draw_browsing, **_TEXTS)),
    *(KeepImage.button, LoadImage.button, RemoveResult.button),
)
MENUS = ((RENDER_MENU, entries(*_ENTRIES)),)
