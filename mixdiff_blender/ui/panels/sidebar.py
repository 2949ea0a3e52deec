"""The sidebar's tab, and how text is drawn there."""

from __future__ import annotations

from typing import Any

from ...backend.wording import wrapped

LINE_ICONS = {"INFO": "CHECKMARK", "WARNING": "ERROR", "ERROR": "CANCEL"}


def _letters(context: Any) -> int:
    """Return how many letters fit into a line of the sidebar."""
    scale = context.preferences.system.ui_scale
    return max(20, int(context.region.width / (7.2 * scale)) - 6)


def draw_text(layout: Any, context: Any, text: str, icon: str) -> None:
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(text, _letters(context))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


class SidebarPanel:
    """Where all panels stand."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MixDiff"
