"""A result's passes: its regions as layers of a file, and one of them graded in the compositor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import bpy

from ...contract import EngineError
from ...job.regions.entries import source_of
from ...properties import HistoryEntry
from ...properties.contexts import scene_in
from ...properties.declarations import StringProperty
from ...results import history, passes
from ...results.compositor import placing_in, put_in_compositor
from ...results.documents import job_of
from .base import RENDER_MENU, entries
from .history import OfResult
from .region_list import active_entry
from .result_use import result_in

_MENU = "MIXDIFF_MT_grade"


def _active(context: Any) -> HistoryEntry:
    return cast(HistoryEntry, history.active_entry(scene_in(context)))


class WritePasses(OfResult):
    """Write each region's share of the picture beside it, as layers of an OpenEXR file"""

    bl_idname = "mixdiff.write_passes"
    bl_label = "Write Region Passes of MixDiff Picture"
    icon = "RENDERLAYERS"

    def run(self, context: Any) -> None:
        """Begin to write them.

        Raises: EngineError.
        """
        entry = _active(context)
        file = passes.file_of(entry)
        passes.task.start(entry, file, lambda *_: None)
        self.report({"INFO"}, f"Region passes: {file}")


class GradeRegion(OfResult):
    """Grade one region alone in the compositor: a Hue/Saturation/Value node within its share"""

    bl_idname = "mixdiff.grade_region"
    bl_label = "Grade Region of MixDiff Picture"
    icon = "COLOR"

    region: str = StringProperty(
        name="Region",
        description="The name of the region; the chosen one's unless given",
        options={"SKIP_SAVE"},
    )

    def run(self, context: Any) -> None:
        """Write the passes, and put the grade in once they are there.

        Raises: EngineError where the result has no such region.
        """
        scene, entry, image = scene_in(context), _active(context), result_in(context)
        assert image is not None
        chosen = active_entry(scene)
        job = job_of(entry)
        key = self.region or (source_of(chosen).id if chosen is not None else "")
        name = passes.region_named(job, key)

        def then(file: Path, layers: dict[str, str]) -> None:
            if not placing_in(image, scene):
                put_in_compositor(image, scene, "BEHIND")
            passes.put_grade(scene, file, layers[name], name)
            if not bpy.app.background:
                bpy.ops.ed.undo_push(message=f"Grade {name}")

        passes.task.start(entry, passes.file_of(entry), then)


class GradeMenu(bpy.types.Menu):
    """The regions of the result that is shown."""

    bl_idname = _MENU
    bl_label = "Grade Region"

    layout: Any

    def draw(self, context: Any) -> None:
        """Draw a line for each region."""
        try:
            names = [region.name for region in job_of(_active(context)).regions]
        except EngineError as error:
            self.layout.label(text=str(error), icon="ERROR")
            return
        for name in names:
            GradeRegion.button(self.layout, name, region=name)


def draw_passes(layout: Any) -> None:
    """Draw what writes the passes, and what grades one region."""
    row = layout.row(align=True)
    WritePasses.button(row, "Region Passes")
    row.menu(_MENU, text="Grade…", icon=GradeRegion.icon)


CLASSES = (WritePasses, GradeRegion, GradeMenu)
MENUS = ((RENDER_MENU, entries(WritePasses.button, GradeRegion.button)),)
