"""Where a window's 3D viewport and its camera's frame lie, and how long functions take there."""

import time
from importlib import import_module
from typing import Any

import bpy

drawing = import_module("bl_ext.user_default.mixdiff.ui.overlay.drawing")


def measured(name: str, function: Any, held_ms: dict[str, list[float]]) -> Any:
    """Return a function that notes how long it held its thread, in the processor's time."""

    def wrapper(*arguments: Any) -> Any:
        start_s = time.thread_time()
        try:
            return function(*arguments)
        finally:
            held_ms.setdefault(name, []).append((time.thread_time() - start_s) * 1000)

    return wrapper


def view() -> tuple:
    """Return the window, its 3D viewport, and that one's sidebar and main region."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    regions = {region.type: region for region in area.regions}
    return window, area, regions["UI"], regions["WINDOW"]


def frame() -> list[float] | None:
    """Return the camera's frame in pixels of the screen: left, top, right, bottom."""
    window, area, _, region = view()
    scene, layer = window.scene, window.view_layer
    if layer.depsgraph is None or area.spaces.active.region_3d.view_perspective != "CAMERA":
        return None
    found = drawing.frame_in(scene, layer.depsgraph, region, area.spaces.active.region_3d)
    left, bottom = region.x + found.left, region.y + found.bottom
    height = window.height
    return [left, height - bottom - found.height, left + found.width, height - bottom]
