"""The generated image, what to do with it, and the ones before it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import bpy

from ...properties import canvas_settings
from ...results import history, thumbnails
from ...results.colour import expectation, is_exact
from ..operators.generate import GenerateBatch
from ..operators.history import (
    BrowseHistory,
    KeepImage,
    LoadImage,
    RemoveResult,
    UseSettings,
    Vary,
)
from ..operators.results import (
    KeepSeed,
    Project,
    UseAsBackground,
    UseAsTexture,
    UseAsWorld,
    UseInCompositor,
)
from .sidebar import SidebarPanel, draw_text


class HistoryList(bpy.types.UIList):
    """The scene's results, the newest first."""

    bl_idname = "MIXDIFF_UL_history"

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: Any,
        active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
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
        seed = text.row()
        seed.active = False
        seed.label(text=f"Seed {item.seed_digits}" if thumbnail else "The file is gone")

    def filter_items(self, context: Any, data: Any, property: str) -> Any:
        """Show the newest first."""
        count = len(getattr(data, property))
        return [], list(range(count - 1, -1, -1))


class ResultPanel(SidebarPanel):
    """The picture, and what to do with it."""

    bl_idname = "MIXDIFF_PT_result"
    bl_label = "Result"
    bl_order = 6

    def draw(self, context: Any) -> None:
        """Draw the picture and the ways to use it."""
        layout: Any = self.layout
        scene = context.scene
        settings = canvas_settings(scene)
        image = settings.result
        if image is None:
            layout.label(text="No picture yet")
            layout.operator(LoadImage.bl_idname, text="Load Picture", icon="FILE_FOLDER")
            return
        entry = history.active_entry(scene)
        thumbnail = thumbnails.icon_of(history.path_of(entry)) if entry else 0
        layout.template_icon(icon_value=thumbnail or image.preview_ensure().icon_id, scale=8)
        _draw_seed(layout, settings, entry)
        layout.label(text="Use as")
        _draw_uses(layout.column(align=True))
        icon = "CHECKMARK" if is_exact(scene) else "INFO"
        draw_text(layout, context, expectation(scene), icon)


def _draw_seed(layout: Any, settings: Any, entry: Any) -> None:
    row = layout.row(align=True)
    for direction, icon in (("PREVIOUS", "TRIA_LEFT"), ("NEXT", "TRIA_RIGHT")):
        step = row.operator(BrowseHistory.bl_idname, text="", icon=icon)
        step.direction = direction
    when = f" · {_time(entry.made_at)}" if entry else ""
    row.label(text=f"Seed {settings.result_seed}{when}")
    row.operator(KeepSeed.bl_idname, text="", icon="PINNED")


def _draw_uses(column: Any) -> None:
    row = column.row(align=True)
    row.operator(UseAsTexture.bl_idname, text="Texture", icon="TEXTURE")
    row.operator(Project.bl_idname, text="Project", icon="MOD_UVPROJECT")
    row = column.row(align=True)
    behind = row.operator(UseInCompositor.bl_idname, text="Behind Render", icon="NODE_COMPOSITING")
    behind.placing = "BEHIND"
    alone = row.operator(UseInCompositor.bl_idname, text="Alone", icon="NODE_COMPOSITING")
    alone.placing = "ALONE"
    row = column.row(align=True)
    backdrop = row.operator(UseAsWorld.bl_idname, text="Backdrop", icon="WORLD")
    backdrop.surrounding = "BACKDROP"
    around = row.operator(UseAsWorld.bl_idname, text="World", icon="WORLD")
    around.surrounding = "AROUND"
    column.operator(UseAsBackground.bl_idname, text="Camera Background", icon="IMAGE_BACKGROUND")


class HistoryPanel(SidebarPanel):
    """The results so far."""

    bl_idname = "MIXDIFF_PT_history"
    bl_label = "History"
    bl_order = 7

    def draw(self, context: Any) -> None:
        """Draw the list, and what is done with the chosen result."""
        layout: Any = self.layout
        settings = canvas_settings(context.scene)
        row = layout.row()
        row.template_list(
            HistoryList.bl_idname, "", settings, "history", settings, "active_history", rows=3
        )
        side = row.column(align=True)
        side.operator(LoadImage.bl_idname, text="", icon="FILE_FOLDER")
        side.operator(RemoveResult.bl_idname, text="", icon="REMOVE")
        side.separator()
        side.operator(KeepImage.bl_idname, text="", icon="FAKE_USER_ON")
        column = layout.column(align=True)
        column.operator(UseSettings.bl_idname, text="Use These Settings", icon="LOOP_BACK")
        row = column.row(align=True)
        slight = row.operator(Vary.bl_idname, text="Vary Slightly", icon="MOD_NOISE")
        slight.mode = "epsilon"
        anew = row.operator(Vary.bl_idname, text="Reroll", icon="FILE_REFRESH")
        anew.mode = "reset"
        column.operator(GenerateBatch.bl_idname, text="Several Seeds…", icon="RENDER_ANIMATION")
        layout.prop(settings, "output_folder")


def _time(made_at: str) -> str:
    """Return a time as one says it: the hour today, else the day."""
    try:
        made = datetime.fromisoformat(made_at)
    except ValueError:
        return made_at
    if made.date() == datetime.now().date():
        return made.strftime("%H:%M")
    return f"{made.day} {made.strftime('%b %H:%M')}"


CLASSES = (HistoryList, ResultPanel, HistoryPanel)
