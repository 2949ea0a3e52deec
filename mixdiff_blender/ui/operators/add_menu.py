"""Add > MixDiff: all that makes regions of nothing."""

from __future__ import annotations

from typing import Any

import bpy

from . import annotation_layers, drawing, groups, images
from .base import entries, separate, submenu


class AddMenu(bpy.types.Menu):
    """New regions of the picture"""

    bl_idname = "MIXDIFF_MT_add"
    bl_label = "MixDiff"

    def draw(self, context: Any) -> None:
        """Draw what each module adds."""
        for module in (drawing, images, annotation_layers, groups):
            module.draw_add_menu(self.layout)


CLASSES = (AddMenu,)
MENUS = (("VIEW3D_MT_add", entries(separate, submenu(AddMenu, "IMAGE_DATA"))),)
