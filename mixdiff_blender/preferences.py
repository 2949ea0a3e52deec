"""The add-on's preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .declarations import props


class MixDiffPreferences(bpy.types.AddonPreferences):
    """What is set once for this computer."""

    bl_idname = __package__

    if TYPE_CHECKING:
        engine_python: str

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        layout = self.layout
        layout.prop(self, "engine_python")
        layout.label(text="A Python 3.11 or later that has torch and diffusers", icon="INFO")


MixDiffPreferences.__annotations__ = {
    "engine_python": props.StringProperty(
        name="Engine's Python",
        description="The Python that the engine runs in; empty for the extension's own",
        subtype="FILE_PATH",
    ),
}


def engine_python() -> str:
    """Return the Python that the person chose, or an empty text."""
    assert __package__ is not None
    preferences: Any = bpy.context.preferences
    addon = preferences.addons.get(__package__)
    chosen: str = addon.preferences.engine_python if addon else ""
    return bpy.path.abspath(chosen) if chosen else ""


CLASSES = (MixDiffPreferences,)
