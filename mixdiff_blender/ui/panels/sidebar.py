"""The sidebar's tab, and how text is drawn there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...backend.background_task import Running
from ...backend.wording import task_text, wrapped
from ..operators.base import ReportingOperator

LINE_ICONS = {"INFO": "CHECKMARK", "WARNING": "ERROR", "ERROR": "CANCEL"}


def _letters(context: Any) -> int:
    """Return how many letters fit into a line of the sidebar."""
    scale = context.preferences.system.ui_scale
    return max(20, int(context.region.width / (7.2 * scale)) - 6)


def draw_text(layout: Any, context: Any, text: str, icon: str) -> int:
    """Draw a text in as many lines as it needs, and return how many these are."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    lines = wrapped(text, _letters(context))
    for number, line in enumerate(lines):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")
    return len(lines)


def draw_online_access(layout: Any, context: Any, otherwise: str) -> None:
    """Draw Blender's own switch where Blender is set to stay offline, and what holds till then."""
    if bpy.app.online_access:
        return
    draw_text(layout, context, f"Blender is set to stay offline. {otherwise}", "INTERNET_OFFLINE")
    if not bpy.app.online_access_override:
        layout.prop(context.preferences.system, "use_online_access", text="Allow Online Access")


def draw_prompts(layout: Any, settings: Any) -> None:
    """Draw what the picture or a region is to show, and what is kept out of it."""
    column = layout.column(align=True)
    for name, icon, text in (
        ("prompt", "FONT_DATA", "Prompt"),
        ("negative_prompt", "CANCEL", "Negative prompt"),
    ):
        column.prop(settings, name, text="", icon=icon, placeholder=text)


def split_column(layout: Any, *, decorate: bool = False) -> Any:
    """Add a column whose labels stand left of their values."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = decorate
    return column


def draw_progress(layout: Any, state: Running, cancel: type[ReportingOperator]) -> None:
    """Draw how far something that is fetched has come, and the operator that cancels it."""
    row = layout.row(align=True)
    row.progress(factor=state.progress.share, text=task_text(state))
    cancel.button(row, "")


class SidebarList(bpy.types.UIList):
    """A list of which each item is drawn as a line."""

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
        """Draw one item."""
        self.draw_line(context, layout, item)

    def draw_line(self, context: Any, layout: Any, item: Any) -> None:
        """Draw one item, for lists to say."""
        raise NotImplementedError


class SidebarPanel(bpy.types.Panel):
    """Where all panels stand."""

    if TYPE_CHECKING:
        layout: Any
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MixDiff"
