"""The lists of LoRAs: one of the whole picture, one of the chosen region."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Any

import bpy

from ...job.loras import is_to_be_fetched
from ...job.regions.entries import settings_of
from ...properties import canvas_settings
from ..operators.loras import AddLora, AddNamedLora, RemoveLora
from ..operators.models import DownloadModel
from ..operators.region_list import active_entry
from .canvas import CanvasPanel
from .models import draw_fetching
from .region import TextRegionPanel
from .sidebar import SidebarPanel


def _draw_list(layout: Any, settings: Any, *, of_region: bool) -> None:
    """Draw each LoRA with its weight, then what adds another."""
    column = layout.column(align=True)
    for index, line in enumerate(settings.loras):
        box = column.box().column(align=True)
        row = box.row(align=True)
        row.prop(line, "lora", text="", icon="MODIFIER", placeholder="file, or owner/name")
        if is_to_be_fetched(line.lora):
            fetch = row.row(align=True)
            fetch.enabled = bpy.app.online_access
            DownloadModel.button(fetch, "", model=line.lora.strip())
        RemoveLora.button(row, "", of_region=of_region, index=index)
        weight = box.row(align=True)
        weight.use_property_decorate = True
        weight.prop(line, "weight", slider=True)
    draw_fetching(column)
    row = layout.row(align=True)
    AddLora.button(row, "Add LoRA", of_region=of_region)
    AddNamedLora.button(row, "", of_region=of_region)


def _names(settings: Any) -> str:
    """Return which LoRAs a list holds, for a folded panel's header."""
    return ", ".join(PureWindowsPath(line.lora.replace("/", "\\")).stem for line in settings.loras)


class RegionLorasPanel(TextRegionPanel):
    """The LoRAs of the chosen region alone."""

    bl_idname = "MIXDIFF_PT_region_loras"
    bl_label = "LoRAs"

    def draw_header_preset(self, context: Any) -> None:
        """Draw which there are, also while the panel is folded."""
        entry = active_entry(context.scene)
        if entry is not None:
            self.layout.label(text=_names(settings_of(entry)))

    def draw(self, context: Any) -> None:
        """Draw the list."""
        entry = active_entry(context.scene)
        if entry is not None:
            settings = settings_of(entry)
            self.layout.active = settings.enabled
            _draw_list(self.layout, settings, of_region=True)


class CanvasLorasPanel(SidebarPanel):
    """The LoRAs of the whole picture."""

    bl_idname = "MIXDIFF_PT_canvas_loras"
    bl_label = "LoRAs"
    bl_parent_id = CanvasPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: Any) -> None:
        """Draw which there are, also while the panel is folded."""
        self.layout.label(text=_names(canvas_settings(context.scene)))

    def draw(self, context: Any) -> None:
        """Draw the list."""
        _draw_list(self.layout, canvas_settings(context.scene), of_region=False)


CLASSES = (RegionLorasPanel, CanvasLorasPanel)
