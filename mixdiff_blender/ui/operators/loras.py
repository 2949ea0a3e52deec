"""The lists of LoRAs: adding one from a file, taking one out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ...job.regions.entries import settings_of
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import BoolProperty, Declaring, IntProperty, StringProperty
from .base import RENDER_MENU, ChoosesFile, Result, UndoableOperator, entries
from .region_list import active_entry


def _owner(context: Any, of_region: bool) -> Any:
    """Return whose list is meant: the chosen region's settings, or the canvas's."""
    scene = scene_in(context)
    entry = active_entry(scene) if of_region else None
    return canvas_settings(scene) if entry is None else settings_of(entry)


class _OfList(Declaring):
    """Acts on a list of LoRAs."""

    of_region = BoolProperty(
        name="Of Region",
        description="The chosen region's list, not the whole picture's",
        options={"SKIP_SAVE"},
    )


class AddLora(_OfList, ChoosesFile, UndoableOperator):
    """Add a LoRA from a file; a name on the hub is typed into its line"""

    bl_idname = "mixdiff.add_lora"
    bl_label = "Add MixDiff LoRA"
    icon = "ADD"

    filter_glob = StringProperty(default="*.safetensors", options={"HIDDEN"})

    def run(self, context: Any) -> None:
        """Add a line at the end."""
        line = _owner(context, self.of_region).loras.add()
        if self.filepath:
            path = str(self.path)
            line.lora = bpy.path.relpath(path) if _is_beside_blend(self.path) else path


class AddNamedLora(_OfList, UndoableOperator):
    """Add a line to type a LoRA's name on the hub into: owner/name, or a file's path"""

    bl_idname = "mixdiff.add_named_lora"
    bl_label = "Add MixDiff LoRA by Name"
    icon = "INTERNET"

    def run(self, context: Any) -> None:
        """Add an empty line at the end."""
        _owner(context, self.of_region).loras.add()


class RemoveLora(_OfList, UndoableOperator):
    """Take the LoRA off the list; its file stays"""

    bl_idname = "mixdiff.remove_lora"
    bl_label = "Remove MixDiff LoRA"
    icon = "X"

    index = IntProperty(name="Index", description="Its place in the list", min=0)

    def run(self, context: Any) -> Result | None:
        """Remove the line."""
        loras = _owner(context, self.of_region).loras
        if self.index >= len(loras):
            return {"CANCELLED"}
        loras.remove(self.index)
        return None


def _is_beside_blend(path: Path) -> bool:
    """Return whether a file lies in the .blend's folder or below, and moves with it."""
    blend = bpy.data.filepath
    return bool(blend) and path.is_relative_to(Path(blend).parent)


CLASSES = (AddLora, AddNamedLora, RemoveLora)
MENUS = ((RENDER_MENU, entries(AddLora.button, AddNamedLora.button, RemoveLora.button)),)
