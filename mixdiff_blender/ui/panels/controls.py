"""What the picture, and the chosen region, are held to."""

from __future__ import annotations

from typing import Any

from ...backend import models
from ...contract import is_hub_id, known_controlnet
from ...job.controls.pictures import SCENE_PICTURES
from ...job.controls.reading import is_of_scene
from ...job.regions.entries import settings_of
from ...properties import canvas_settings
from ...properties.declarations import choice_items
from ...results.control_pictures import shown_control
from ..operators.controls import (
    KIND_ICONS,
    AddControlMenu,
    AddRegionControlMenu,
    ChooseControlNet,
    PreviewControl,
    RemoveControl,
    controlnets_for,
)
from ..operators.region_list import active_entry
from .canvas import CanvasPanel
from .models import draw_missing
from .region import TextRegionPanel
from .sidebar import SidebarPanel, draw_text, split_column

_PREVIEW_SCALE = 6.0


class ControlsPanel(SidebarPanel):
    """What the whole picture is held to."""

    bl_idname = "MIXDIFF_PT_controls"
    bl_label = "Controls"
    bl_parent_id = CanvasPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """Draw each control, and what adds one."""
        listed = canvas_settings(context.scene).controls
        _draw_list(self.layout, context, listed, of_region=False)


class RegionControlsPanel(TextRegionPanel):
    """What the chosen region is held to."""

    bl_idname = "MIXDIFF_PT_region_controls"
    bl_label = "Controls"

    def draw(self, context: Any) -> None:
        """Draw each control, and what adds one."""
        entry = active_entry(context.scene)
        assert entry is not None
        listed = settings_of(entry).controls
        if len(listed):
            text = "In place of the picture's own of the same kinds"
            draw_text(self.layout, context, text, "INFO")
        _draw_list(self.layout, context, listed, of_region=True)


def _draw_list(layout: Any, context: Any, listed: Any, *, of_region: bool) -> None:
    for index, control in enumerate(listed):
        _draw_control(layout.box(), context, control, index, of_region=of_region)
    menu = AddRegionControlMenu if of_region else AddControlMenu
    layout.menu(menu.bl_idname, text="Add Control", icon="ADD")


def _draw_control(layout: Any, context: Any, control: Any, index: int, *, of_region: bool) -> None:
    chosen: dict[str, Any] = {"index": index, "of_region": of_region}
    ((_, label, _),) = choice_items((control.kind,))
    row = layout.row(align=True)
    row.prop(control, "enabled", text="")
    row.label(text=label, icon=KIND_ICONS[control.kind])
    if is_of_scene(control):
        PreviewControl.button(row, "", kind=control.kind, in_editor=False)
        PreviewControl.button(row, "", "WINDOW", kind=control.kind, in_editor=True)
    RemoveControl.button(row, "", **chosen)
    body = layout.column()
    body.active = control.enabled
    _draw_picture(body, context, control, of_region=of_region)
    column = split_column(body, decorate=True)
    column.prop(control, "scale")
    steps = column.column(align=True)
    steps.prop(control, "start")
    steps.prop(control, "end")
    _draw_controlnet(body, context, control, chosen)


def _draw_picture(layout: Any, context: Any, control: Any, *, of_region: bool) -> None:
    """Draw where a control's picture comes from, and what the scene gave when it was looked at."""
    if control.kind in SCENE_PICTURES:
        layout.row().prop(control, "source", expand=True)
    if is_of_scene(control):
        image = shown_control(context.scene, control.kind)
        if image is not None and image.preview is not None:
            layout.template_icon(icon_value=image.preview.icon_id, scale=_PREVIEW_SCALE)
        return
    layout.template_ID(control, "image", open="image.open")
    if of_region:
        split_column(layout).prop(control, "area")


def _draw_controlnet(layout: Any, context: Any, control: Any, chosen: Any) -> None:
    """Draw which ControlNet is meant, the others that would do, and what fetches it."""
    known = controlnets_for(context, control)
    column = split_column(layout)
    column.prop(control, "model", text="ControlNet", placeholder=known[0].id if known else "none")
    name = control.model.strip() or (known[0].id if known else "")
    if len(known) > 1:
        rows = layout.column(align=True)
        for one in known:
            ChooseControlNet.button(rows, one.text, depress=one.id == name, model=one.id, **chosen)
    if is_hub_id(name) and models.is_controlnet_missing(name):
        found = known_controlnet(name)
        draw_missing(layout, context, name, found.size_text if found else "")


CLASSES = (ControlsPanel, RegionControlsPanel)
