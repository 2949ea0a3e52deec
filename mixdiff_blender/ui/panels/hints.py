"""A hint beside a prompt that holds no name which the model knows."""

from __future__ import annotations

from typing import Any

from ...job.known_words import Field, hint_of
from ..operators.models import ModelsMenu
from .sidebar import draw_text


def draw_hint(layout: Any, context: Any, prompt: str, field: Field = "prompt") -> None:
    """Draw the hint, and the way to another model; nothing where the model knows a name of it."""
    if hint := hint_of(context.scene, prompt, field):
        column = layout.column(align=True)
        draw_text(column, context, hint, "INFO")
        column.menu(ModelsMenu.bl_idname, text="Other Models", icon="FILE_3D")
