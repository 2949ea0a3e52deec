"""A shot projected onto objects: each frame from where the camera stood then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from ..job.frames import frame_now, go_to
from .curves import curves_of
from .depth_sequence import depth_sequence
from .projection import Projected, project, property_names
from .sequence import follow
from .shot_record import ShotRecord


def project_shot(
    image: bpy.types.Image,
    scene: bpy.types.Scene,
    record: ShotRecord,
    objects: Iterable[bpy.types.Object],
) -> Projected:
    """Project a shot's frames onto objects, with keyframes of what places them there.

    Each has a depth picture of its own, drawn as the scene is at that frame. Frames whose view is
    not known go on with the one before.

    Raises: EngineError of kind `output` where the depth pictures cannot be written.
    """
    objects, now = list(objects), frame_now(scene)
    projected = Projected(objects=[], crowded=[])
    try:
        depth = depth_sequence(scene, record, f"{image.name} depth")
        for time, number in zip(record.frames.times, record.frames.numbers, strict=True):
            view = record.view(number)
            if view is None:
                continue
            go_to(scene, time)
            shown = project(image, view, objects, depth=depth)
            projected = projected if projected.objects else shown
            for obj in shown.objects:
                for name in property_names(obj):
                    obj.keyframe_insert(f'["{name}"]', frame=number)
    finally:
        go_to(scene, now)
    for obj in projected.objects:
        for curve, _ in _own_curves(obj):
            for key in curve.keyframe_points:
                key.interpolation = "CONSTANT"
    if depth is not None:
        follow(depth)
    return projected


def remove_keyframes(obj: Any) -> None:
    """Take the keyframes of a projected shot off an object."""
    for curve, curves in list(_own_curves(obj)):
        curves.remove(curve)


def _own_curves(obj: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the curves that move a projection, each with what it can be removed from."""
    for curve, curves in curves_of(obj):
        if curve.data_path.startswith('["mixdiff_projection_'):
            yield curve, curves
