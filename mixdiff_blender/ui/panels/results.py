"""The generated image, what to do with it, and the ones before it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ...contract import EngineError
from ...properties import canvas_settings
from ...results import history, passes, thumbnails
from ...results.baking.task import task as bake
from ...results.colour import expectation, is_exact
from ...results.projection import any_projected
from ...results.shot_record import ShotRecord, record_of
from ...storage import folders
from ..operators.again import draw_again
from ..operators.baking import draw_bake
from ..operators.enlarging import SCALES, Enlarge, planned_text
from ..operators.generate import GenerateBatch
from ..operators.history import (
    KeepImage,
    LoadImage,
    RemoveResult,
    UseSettings,
    Vary,
    draw_browsing,
)
from ..operators.passes import draw_passes
from ..operators.results import KeepSeed, draw_uses
from ..operators.shots import GenerateRange, ResumeShot
from ..operators.viewing import CompareResults, OpenInImageEditor, ShowMaterials
from .sidebar import SidebarList, SidebarPanel, draw_text

_WITHOUT_MATERIALS = ("WIREFRAME", "SOLID")


class HistoryList(SidebarList):
    """The scene's results, the newest first."""

    bl_idname = "MIXDIFF_UL_history"

    def draw_line(self, context: Any, layout: Any, item: Any) -> None:
        """Draw one result: what it looks like, its name, its seed and its time."""
        row = layout.row()
        thumbnail = thumbnails.icon_of(history.path_of(item))
        if thumbnail:
            row.template_icon(icon_value=thumbnail, scale=2.0)
        else:
            row.label(text="", icon="FILE_HIDDEN")
        text = row.column(align=True)
        text.scale_y = 0.9
        text.label(text=f"{item.name} · {_time(item.made_at)}")
        about = text.row()
        about.active = False
        what = item.what[:1].upper() + item.what[1:] or f"Seed {item.seed_digits}"
        about.label(text=what if thumbnail else "The file is gone")

    def filter_items(self, context: Any, data: Any, property: str) -> Any:
        """Show the newest first."""
        count = len(getattr(data, property))
        return [], list(range(count - 1, -1, -1))


class ResultPanel(SidebarPanel):
    """The picture, and what to do with it."""

    bl_idname = "MIXDIFF_PT_result"
    bl_label = "Picture"
    bl_order = 1

    def draw(self, context: Any) -> None:
        """Draw the picture and the ways to use it."""
        layout = self.layout
        scene = context.scene
        settings = canvas_settings(scene)
        image = settings.result
        if image is None:
            layout.label(text="No picture yet")
            LoadImage.button(layout, "Load Picture")
            return
        entry = history.active_entry(scene)
        file = history.file_at(entry, scene.frame_current) if entry else None
        thumbnail = thumbnails.icon_of(file) if file else 0
        layout.template_icon(icon_value=thumbnail or image.preview_ensure().icon_id, scale=8)
        _draw_seed(layout, settings, entry)
        if entry and entry.shot:
            _draw_shot(layout, record_of(entry))
        row = layout.row(align=True)
        row.prop(settings, "show_result", text="Over the View", icon="HIDE_OFF", toggle=True)
        OpenInImageEditor.button(row, "Image Editor")
        if entry is not None:
            draw_again(layout.column(align=True), settings)
            if not entry.shot:
                _draw_enlarging(layout.column(align=True), context, entry)
        draw_uses(layout.column(align=True), image, context)
        if any_projected():
            draw_bake(layout.column(align=True))
            if bake.error:
                draw_text(layout, context, str(bake.error), "ERROR")
            for number, line in enumerate(bake.outcome):
                draw_text(layout, context, line, "ERROR" if number else "CHECKMARK")
        if context.space_data.shading.type in _WITHOUT_MATERIALS and any_projected():
            draw_text(
                layout, context, "This view shows no materials, nor what is projected", "INFO"
            )
            ShowMaterials.button(layout, "Show Materials")
        icon = "CHECKMARK" if is_exact(scene) else "INFO"
        draw_text(layout, context, expectation(scene), icon)


def _draw_shot(layout: Any, record: ShotRecord | None) -> None:
    """Draw how many of a shot's frames are there, and what makes the rest."""
    row = layout.row(align=True)
    if record is None:
        row.label(text="The shot's files are gone", icon="ERROR")
        return
    row.label(text=f"{len(record.there)} of {len(record.frames)} frames", icon="SEQUENCE")
    ResumeShot.button(row, "Resume")


def _draw_seed(layout: Any, settings: Any, entry: Any) -> None:
    row = layout.row(align=True)
    draw_browsing(row)
    CompareResults.button(row, "")
    when = f" · {_time(entry.made_at)}" if entry else ""
    row.label(text=f"{settings.result_seed}{when}")
    KeepSeed.button(row, "")


class HistoryPanel(SidebarPanel):
    """The results so far."""

    bl_idname = "MIXDIFF_PT_history"
    bl_label = "History"
    bl_order = 6

    def draw(self, context: Any) -> None:
        """Draw the list, and what is done with the chosen result."""
        layout = self.layout
        settings = canvas_settings(context.scene)
        row = layout.row()
        row.template_list(
            HistoryList.bl_idname, "", settings, "history", settings, "active_history", rows=3
        )
        side = row.column(align=True)
        LoadImage.button(side, "")
        RemoveResult.button(side, "", "REMOVE")
        side.separator()
        KeepImage.button(side, "")
        column = layout.column(align=True)
        UseSettings.button(column, "Use These Settings")
        row = column.row(align=True)
        Vary.button(row, "Vary Slightly", mode="epsilon")
        Vary.button(row, "Reroll", "FILE_REFRESH", mode="reset")
        row = column.row(align=True)
        GenerateBatch.button(row, "Several Seeds…")
        GenerateRange.button(row, "Range…")
        draw_passes(column)
        if passes.task.is_writing:
            draw_text(layout, context, "Region passes are being written", "SORTTIME")
        elif passes.task.error:
            draw_text(layout, context, str(passes.task.error), "ERROR")
        layout.prop(settings, "output_folder")
        elsewhere = folders.elsewhere(context.scene)
        if elsewhere:
            draw_text(layout, context, f"Pictures go to {elsewhere}", "INFO")


def _time(made_at: str) -> str:
    """Return a time as one says it: the hour today, else the day."""
    try:
        made = datetime.fromisoformat(made_at)
    except ValueError:
        return made_at
    if made.date() == datetime.now().date():
        return made.strftime("%H:%M")
    return f"{made.day} {made.strftime('%b %H:%M')}"


def _draw_enlarging(layout: Any, context: Any, entry: Any) -> None:
    """Draw how the shown result is made larger, with what each size takes."""
    settings = canvas_settings(context.scene)
    row = layout.row(align=True)
    row.operator_context = "EXEC_DEFAULT"  # what each takes stands below
    for scale in SCALES:
        Enlarge.button(row, f"Enlarge {scale:g}×", scale=scale)
    layout.prop(settings, "enlarge_strength", slider=True)
    wrong = dict[str, None]()
    for scale in SCALES:
        try:
            text = planned_text(entry, scale, settings.enlarge_strength)
        except EngineError as error:
            wrong[str(error)] = None
        else:
            line = layout.row()
            line.active = False
            line.label(text=text)
    for text in wrong:
        draw_text(layout, context, text, "INFO")


CLASSES = (HistoryList, ResultPanel, HistoryPanel)
