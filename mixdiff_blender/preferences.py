"""What holds for every file: where the engine's Python is."""

import bpy


class MixDiffPreferences(bpy.types.AddonPreferences):
    """The add-on's preferences."""

    bl_idname = __package__

    __annotations__ = {
        "engine_python": bpy.props.StringProperty(
            name="Engine's Python",
            description="The Python of an environment that has the engine's requirements. "
            "Empty for MixDiff's own environment",
            subtype="FILE_PATH",
        ),
    }

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the preferences."""
        self.layout.prop(self, "engine_python")


CLASSES = (MixDiffPreferences,)


def engine_python() -> str:
    """Return the Python that the user chose, or an empty text."""
    addon = bpy.context.preferences.addons.get(__package__ or "")
    return str(addon.preferences.engine_python) if addon and addon.preferences else ""
