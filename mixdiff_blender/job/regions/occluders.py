"""What may stand before a region: all that a render shows."""

from __future__ import annotations

import bpy

from ...properties import region_settings
from .instances import may_have_instances
from .surfaces import SHOWN
from .visibility import Visibility


def occluders(layer: bpy.types.ViewLayer) -> list[bpy.types.Object]:
    """Return the objects of a view layer, and of sets behind it, that can hide others."""
    return [
        obj
        for obj in Visibility.of(layer).rendered
        if (obj.type in SHOWN or may_have_instances(obj))
        and not region_settings(obj).guide
        and obj.visible_camera
    ]
