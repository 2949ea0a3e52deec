"""A result's passes: its regions as layers of a file, and one of them graded in the compositor."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.regions.entries import source_of
from ...properties.contexts import scene_in
from ...properties.declarations import StringProperty
from ...results import history, passes
from ...results.documents import job_of
from .base import RENDER_MENU, entries
from .history import OfResult, shown_entry
from .region_list import active_entry

_MENU = "MIXDIFF_MT_grade"


class WritePasses(OfResult):
    """Write each region's share of the picture beside it, as layers of an OpenEXR file"""

    bl_idname = "mixdiff.write_passes"
    bl_label = "Write Region Passes of MixDiff Picture"
    icon = "RENDERLAYERS"

    def run(self, context: Any) -> None:
        """Begin to write them.

        Raises: EngineError.
        """
        scene, entry = scene_in(context), shown_entry(context)
        picture = history.file_at(entry, scene.frame_current)
        passes.task.start(picture, lambda *_: None)
        self.report({"INFO"}, f"Region passes: {passes.file_beside(picture)}")


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
        scene, entry = scene_in(context), shown_entry(context)
        chosen = active_entry(scene)
        source = source_of(chosen) if chosen is not None else None
        asked = (source.id, source.name) if source and not self.region else (self.region,)
        name = passes.region_named(job_of(entry), *asked)
        passes.grade(scene, entry, name)


class GradeMenu(bpy.types.Menu):
    """The regions of the result that is shown."""

    bl_idname = _MENU
    bl_label = "Grade Region"

    layout: Any

    def draw(self, context: Any) -> None:
        """Draw a line for each region."""
        try:
            names = [region.name for region in job_of(shown_entry(context)).regions]
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
