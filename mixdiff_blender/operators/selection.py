"""What operators act on."""

from __future__ import annotations

from typing import Any

import bpy

from ..contexts import view_layer_in
from ..regions.planes import WITH_SURFACE


def selected_with_surface(context: Any) -> list[bpy.types.Object]:
    """Return the selected objects that can show a picture or be a region."""
    objects = view_layer_in(context).objects
    return [obj for obj in objects if obj.select_get() and obj.type in WITH_SURFACE]
