"""The scene's annotations, whose layers can be regions."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .projection import Bounds, CameraView, Floats, in_frame, visible_bounds

_ON_SCREEN = 0  # of a stroke's display_mode


def annotations_of(scene: bpy.types.Scene) -> Any:
    """Return a scene's annotations, or None where it has none."""
    # Blender 5.0 renamed the pointer.
    name = "annotation" if hasattr(scene, "annotation") else "grease_pencil"
    return getattr(scene, name)


def layers_of(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return a scene's layers of annotations by their names."""
    annotations = annotations_of(scene)
    return {layer.info: layer for layer in annotations.layers} if annotations else {}


def active_layer_of(scene: bpy.types.Scene) -> str:
    """Return the name of the layer that is drawn on, or an empty text where there is none."""
    annotations = annotations_of(scene)
    names = list(layers_of(scene))
    index = annotations.layers.active_index if annotations else -1
    return names[index] if 0 <= index < len(names) else ""


def bounds_of_layer(layer: Any, number: int, view: CameraView, border: Bounds) -> Bounds | None:
    """Return the part of the camera's frame that a layer's strokes cover, or None where none.

    `number` is the scene's frame: without a window Blender does not follow it.
    """
    frame = _frame_at(layer, number)
    if frame is None:
        return None
    on_screen = _are_on_screen(frame.strokes)
    parts = (
        _on_screen_bounds(points, view, border) if flat else _in_space_bounds(points, view)
        for flat, points in zip(on_screen, map(_points_of, frame.strokes), strict=True)
        if len(points)
    )
    return Bounds.around(parts, view)


def fingerprint_of_layer(layer: Any, number: int) -> int:
    """Return a number that is another one once a layer shows other strokes at a frame.

    Of annotations Blender sends no update.
    """
    frame = _frame_at(layer, number)
    strokes = frame.strokes if frame else ()
    return hash((*_are_on_screen(strokes), *(_points_of(stroke).tobytes() for stroke in strokes)))


def _frame_at(layer: Any, number: int) -> Any | None:
    """Return the drawing that a layer shows at a frame: the last before it, or its first."""
    if layer.lock_frame:
        return layer.active_frame
    frames = sorted(layer.frames, key=lambda frame: frame.frame_number)
    before = [frame for frame in frames if frame.frame_number <= number]
    return (before[-1:] or frames[:1] or [None])[0]


def _points_of(stroke: Any) -> Floats:
    """Return a stroke's points. Shapes: (N, 3)."""
    points = np.empty(len(stroke.points) * 3, dtype=np.float32)
    stroke.points.foreach_get("co", points)
    return points.reshape(-1, 3).astype(np.float64)


def _are_on_screen(strokes: Any) -> list[bool]:
    """Tell of each stroke whether its points lie on the screen, not in space.

    Blender 4.3 to 5.1 do not say: there, points with no depth at all lie on the screen.
    """
    modes = [_ON_SCREEN] * len(strokes)
    try:
        strokes.foreach_get("display_mode", modes)
    except AttributeError:
        return [not _points_of(stroke)[:, 2].any() for stroke in strokes]
    return [mode == _ON_SCREEN for mode in modes]


def _on_screen_bounds(points: Floats, view: CameraView, border: Bounds) -> Bounds | None:
    """Return what points cover that are drawn on the screen.

    They are hundredths of the whole frame as it would stand without the camera's shift.
    """
    width, height = view.right - view.left, view.top - view.bottom
    whole = (width / (border.right - border.left), height / (border.top - border.bottom))
    seen = (points[:, :2] / 100 - 0.5) * whole  # (N, 2), in the camera's space
    (left, bottom), (right, top) = seen.min(axis=0), seen.max(axis=0)
    return in_frame(
        float(left - view.left) / width,
        float(right - view.left) / width,
        float(bottom - view.bottom) / height,
        float(top - view.bottom) / height,
    )


def _in_space_bounds(points: Floats, view: CameraView) -> Bounds | None:
    first = np.arange(max(1, len(points) - 1), dtype=np.int32)
    second = np.minimum(first + 1, len(points) - 1)
    lines = np.stack([first, second, second], axis=1)  # (T, 3)
    return visible_bounds(view, points, lines.astype(np.int32))
