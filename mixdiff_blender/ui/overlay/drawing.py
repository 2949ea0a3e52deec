"""Draws over the camera's view; touches the graphics card only while it draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ...contract import EngineError
from ...job.regions.entries import source_of, source_of_object
from ...properties import canvas_settings, region_settings
from .. import job_cache
from . import picture
from .boxes import Box, Colour
from .frame import Frame, frame_in
from .picture import (
    draw_nothing,
    draw_picture,
    is_picture_to_come,
    opacity_of,
    picture_over,
)
from .region_shapes import RegionShape, shapes_of
from .shapes import Sheet, box_of, draw_shapes

# Their stubs do not say that functions return anything.
_gpu: Any = gpu
_blf: Any = blf

_FONT = 0
_TEXT_PX = 12
_PADDING_PX = 4
_LABEL_BACKGROUND: Colour = (0.03, 0.03, 0.04)
_MOST_VIEWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """All that a drawing depends on."""

    cached: job_cache.CachedJob
    frame: Frame
    active: str
    """The id of the region that is chosen."""
    scale: float
    tinted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    text: str
    x: float
    y: float
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    key: _Key
    batch: Any
    labels: tuple[_Label, ...]


_drawings: dict[int, _Drawing] = {}


def draw(context: Any) -> None:
    """Draw into the viewport at hand, if it looks through the scene's camera."""
    space, view3d, scene = context.space_data, context.region_data, context.scene
    settings = canvas_settings(scene)
    if view3d.view_perspective != "CAMERA" or space.camera != scene.camera:
        return
    is_shown = settings.show_overlay and space.overlay.show_overlays
    shown = picture_over(scene)
    is_to_come = shown is None and is_picture_to_come(scene)
    if not is_shown and shown is None and not is_to_come:
        return
    frame = _frame_in(context, scene)
    if frame is None:
        return
    if shown is not None:
        draw_picture(shown, frame, opacity_of(shown))
    elif is_to_come:
        draw_nothing(frame)
    if is_shown:
        # A tint would change the colours of the picture under it.
        _draw_regions(context, scene, frame, tinted=shown is None)


def _frame_in(context: Any, scene: bpy.types.Scene) -> Frame | None:
    depsgraph = context.view_layer.depsgraph
    if depsgraph is None:
        return None
    try:
        return frame_in(scene, depsgraph, context.region, context.region_data)
    except EngineError:  # a camera that no job can be made with
        return None


def _draw_regions(context: Any, scene: bpy.types.Scene, frame: Frame, *, tinted: bool) -> None:
    active = context.view_layer.objects.active
    key = _Key(
        cached=job_cache.cached_job(scene, context.view_layer),
        frame=frame,
        active=_active_id(scene, active),
        scale=context.preferences.system.ui_scale,
        tinted=tinted,
    )
    viewport = context.region.as_pointer()
    drawing = _drawings.get(viewport)
    if drawing is None or drawing.key != key:
        if len(_drawings) >= _MOST_VIEWS:
            _drawings.clear()
        drawing = _drawings[viewport] = _prepared(key)
    if drawing.batch is None:
        return
    _gpu.state.blend_set("ALPHA")
    drawing.batch.draw(_gpu.shader.from_builtin("SMOOTH_COLOR"))
    _gpu.state.blend_set("NONE")
    _draw_labels(drawing.labels, key.scale)


def _active_id(scene: bpy.types.Scene, active: bpy.types.Object | None) -> str:
    """Return the id of the region that the active object is, or that is chosen in the list."""
    if active is not None and region_settings(active).enabled:
        return source_of_object(active).id
    settings = canvas_settings(scene)
    index = settings.active_region
    return source_of(settings.regions[index]).id if 0 <= index < len(settings.regions) else ""


def _prepared(key: _Key) -> _Drawing:
    sheet = Sheet()
    cached = key.cached
    regions: Sequence[RegionShape] = ()
    if (job := cached.job) is not None:
        regions = shapes_of(job.job, cached.masks, job.own_weights, cached.silhouettes)
    draw_shapes(sheet, regions, key.frame, key.active, tinted=key.tinted)
    labels = _add_labels(sheet, regions, key)
    triangles = sheet.triangles()
    batch = None
    if triangles:
        shader = _gpu.shader.from_builtin("SMOOTH_COLOR")
        values = {"pos": triangles.points, "color": triangles.colours}
        batch = batch_for_shader(shader, "TRIS", values, indices=triangles.corners)
    return _Drawing(key=key, batch=batch, labels=labels)


def _add_labels(sheet: Sheet, regions: Sequence[RegionShape], key: _Key) -> tuple[_Label, ...]:
    """Add the background of each label, and return what stands on them.

    A label stands in the upper left corner of its region, or lower where another one is in the way.
    """
    labels: list[_Label] = []
    taken: list[Box] = []
    height = (_TEXT_PX + 2 * _PADDING_PX) * key.scale
    for region in regions:
        box = box_of(region, key.frame)
        text, width = _fitted(region.label, box.right - box.left - 8 * key.scale, key.scale)
        if not text:
            continue
        label = _free_box(box, width, height, taken)
        taken.append(label)
        if region.id == key.active:
            background, alpha, colour = region.colour, 0.95, _LABEL_BACKGROUND
        else:
            background, alpha, colour = _LABEL_BACKGROUND, 0.85, _light(region.colour)
        sheet.add_box(label, background, alpha)
        x = label.left + _PADDING_PX * key.scale
        y = label.bottom + (_PADDING_PX + 1.5) * key.scale
        labels.append(_Label(text=text, x=x, y=y, colour=colour))
    return tuple(labels)


def _light(colour: Colour) -> Colour:
    red, green, blue = ((1 + share) / 2 for share in colour)
    return red, green, blue


def _free_box(box: Box, width: float, height: float, taken: Sequence[Box]) -> Box:
    left = box.left + 4
    wanted = top = box.top - 4
    while top - height > box.bottom:
        label = Box(left=left, bottom=top - height, right=left + width, top=top)
        if not any(label.touches(other) for other in taken):
            return label
        top -= height + 1
    return Box(left=left, bottom=wanted - height, right=left + width, top=wanted)


def _fitted(text: str, width: float, scale: float) -> tuple[str, float]:
    """Return as much of a text as fits into a width, and the width that its label needs."""
    _blf.size(_FONT, _TEXT_PX * scale)
    room = width - 2 * _PADDING_PX * scale
    fitted = text
    while fitted and _blf.dimensions(_FONT, fitted)[0] > room:
        text = text[:-1]
        fitted = f"{text}…" if text else ""
    return fitted, _blf.dimensions(_FONT, fitted)[0] + 2 * _PADDING_PX * scale


def _draw_labels(labels: Sequence[_Label], scale: float) -> None:
    _blf.size(_FONT, _TEXT_PX * scale)
    for label in labels:
        _blf.color(_FONT, *label.colour, 1.0)
        _blf.position(_FONT, label.x, label.y, 0)
        _blf.draw(_FONT, label.text)


def _draw_here() -> None:
    draw(bpy.context)


def unregister() -> None:
    """Give back what the graphics card held."""
    picture.forget()
    _drawings.clear()


DRAWN = (_draw_here,)
