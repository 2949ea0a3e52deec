"""The sidebar's tab, and how text is drawn there."""

from __future__ import annotations

from typing import Any

import bpy

from ...backend.background_task import Running
from ...backend.wording import task_text, wrapped

LINE_ICONS = {"INFO": "CHECKMARK", "WARNING": "ERROR", "ERROR": "CANCEL"}


def _letters(context: Any) -> int:
    """Return how many letters fit into a line of the sidebar."""
    scale = context.preferences.system.ui_scale
    return max(20, int(context.region.width / (7.2 * scale)) - 6)


def draw_text(layout: Any, context: Any, text: str, icon: str) -> None:
    """Draw a text in as many lines as it needs."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(text, _letters(context))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


def split_column(layout: Any, *, decorate: bool = False) -> Any:
    """Add a column whose labels stand left of their values."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = decorate
    return column


def draw_progress(layout: Any, state: Running[Any], cancel: str) -> None:
    """Draw how far something that is fetched has come, and the operator that cancels it."""
    row = layout.row(align=True)
    row.progress(factor=state.share, text=task_text(state))
    row.operator(cancel, text="", icon="X")


class SidebarPanel(bpy.types.Panel):
    """Where all panels stand."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MixDiff"
