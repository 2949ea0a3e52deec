"""What operators act on."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.regions.camera import find_camera
from ...job.regions.planes import WITH_SURFACE
from ...properties.contexts import scene_in, view_layer_in


def selected_with_surface(context: Any) -> list[bpy.types.Object]:
    """Return the selected objects that can show an image."""
    objects = view_layer_in(context).objects
    return [obj for obj in objects if obj.select_get() and obj.type in WITH_SURFACE]


def camera_problem(context: Any) -> str:
    """Return why nothing can be put before the camera, or an empty text."""
    if context.mode != "OBJECT":
        return "Leave the mode that you are in: regions are added in Object Mode"
    try:
        find_camera(scene_in(context))
    except EngineError as error:
        return str(error)[:1].upper() + str(error)[1:]
    return ""
