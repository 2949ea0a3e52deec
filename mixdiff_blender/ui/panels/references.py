"""What the picture, and the chosen region, are to look like."""

from __future__ import annotations

from typing import Any

from ...backend import models
from ...contract import adapter_complaint, hub_lora, known_adapter
from ...job.model_facts import model_facts
from ...job.regions.entries import settings_of
from ...properties import canvas_settings
from ..operators.references import AddReference, ChooseAdapter, RemoveReference, known_adapters
from ..operators.region_list import active_entry
from .canvas import CanvasPanel
from .models import draw_missing
from .region import TextRegionPanel
from .sidebar import SidebarPanel, draw_text, split_column

_PREVIEW_SCALE = 4.0


def _names(listed: Any) -> str:
    """Return which pictures a list holds, for a folded panel's header."""
    return ", ".join(one.image.name for one in listed if one.enabled and one.image is not None)


class ReferencesPanel(SidebarPanel):
    """What the whole picture is to look like."""

    bl_idname = "MIXDIFF_PT_references"
    bl_label = "References"
    bl_parent_id = CanvasPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: Any) -> None:
        """Draw which there are, also while the panel is folded."""
        self.layout.label(text=_names(canvas_settings(context.scene).references))

    def draw(self, context: Any) -> None:
        """Draw each picture, and what adds one."""
        listed = canvas_settings(context.scene).references
        _draw_list(self.layout, context, listed, of_region=False)


class RegionReferencesPanel(TextRegionPanel):
    """What the chosen region is to look like."""

    bl_idname = "MIXDIFF_PT_region_references"
    bl_label = "References"

    def draw_header_preset(self, context: Any) -> None:
        """Draw which there are, also while the panel is folded."""
        entry = active_entry(context.scene)
        if entry is not None:
            self.layout.label(text=_names(settings_of(entry).references))

    def draw(self, context: Any) -> None:
        """Draw each picture, and what adds one."""
        entry = active_entry(context.scene)
        assert entry is not None
        listed = settings_of(entry).references
        if len(listed) and len(canvas_settings(context.scene).references):
            draw_text(self.layout, context, "In place of the whole picture's own", "INFO")
        _draw_list(self.layout, context, listed, of_region=True)


def _draw_list(layout: Any, context: Any, listed: Any, *, of_region: bool) -> None:
    facts = model_facts(context.scene)
    if not len(listed) and (complaint := adapter_complaint(None, facts, None)):
        message, _ = complaint
        draw_text(layout, context, message[:1].upper() + message[1:], "INFO")
    for index, reference in enumerate(listed):
        chosen = {"index": index, "of_region": of_region}
        _draw_reference(layout.box(), context, reference, chosen)
    AddReference.button(layout, "Add Reference", of_region=of_region)


def _draw_reference(layout: Any, context: Any, reference: Any, chosen: Any) -> None:
    row = layout.row(align=True)
    row.prop(reference, "enabled", text="")
    row.template_ID(reference, "image", open="image.open")
    RemoveReference.button(row, "", **chosen)
    body = layout.column()
    body.active = reference.enabled
    image = reference.image
    if image is not None and image.preview_ensure() is not None:
        body.template_icon(icon_value=image.preview.icon_id, scale=_PREVIEW_SCALE)
    column = split_column(body, decorate=True)
    sees = model_facts(context.scene).family.sees_references
    if not sees:
        column.prop(reference, "scale")
    steps = column.column(align=True)
    steps.prop(reference, "start")
    steps.prop(reference, "end")
    if not sees:
        _draw_adapter(body, context, reference, chosen)


def _draw_adapter(layout: Any, context: Any, reference: Any, chosen: Any) -> None:
    """Draw which IP-Adapter is meant, the others that would do, and what fetches it."""
    known = known_adapters(context)
    column = split_column(layout)
    placeholder = known[0].id if known else "none"
    column.prop(reference, "model", text="IP-Adapter", placeholder=placeholder)
    name = reference.model.strip() or (known[0].id if known else "")
    rows = layout.column(align=True)
    for one in known:
        ChooseAdapter.button(rows, one.how, depress=one.id == name, model=one.id, **chosen)
    if hub_lora(name) and models.is_adapter_missing(name):
        found = known_adapter(name)
        draw_missing(layout, context, name, found.size_text if found else "")


CLASSES = (ReferencesPanel, RegionReferencesPanel)
