"""The preset that is used, and the way to others."""

from __future__ import annotations

from typing import Any

from ...job.presets import is_used
from ...storage.presets import known_presets
from ..operators.presets import PresetsMenu, SavePreset


def draw_presets(layout: Any, context: Any) -> None:
    """Draw the menu, named after the preset that is used, and what keeps another."""
    known = known_presets().by_name.items()
    used = (name for name, one in known if is_used(context.scene, one.file.preset))
    row = layout.row(align=True)
    row.menu(PresetsMenu.bl_idname, text=next(used, "Style Presets"), icon="PRESET")
    SavePreset.button(row, "", "ADD")
