"""Reference pictures: what the picture, or a region, is to look like."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import KnownAdapter, adapters_for
from ...job.model_facts import model_facts
from ...job.regions.entries import settings_of
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import BoolProperty, Declaring, IntProperty, StringProperty
from .base import RENDER_MENU, Result, UndoableOperator, entries
from .region_list import active_entry


class _OfReferences(Declaring):
    """Acts on the reference pictures of the picture, or of the chosen region."""

    of_region = BoolProperty(
        name="Of Region",
        description="The chosen region's, instead of the whole picture's",
        options={"SKIP_SAVE"},
    )
    index = IntProperty(
        name="Number", description="Which one, from 0", min=0, options={"SKIP_SAVE"}
    )

    def listed(self, context: Any) -> Any:
        """Return the list that is meant, None where no region is chosen."""
        scene = scene_in(context)
        if not self.of_region:
            return canvas_settings(scene).references
        entry = active_entry(scene)
        return None if entry is None else settings_of(entry).references

    def chosen(self, context: Any) -> Any:
        """Return the reference that is meant; None, and a report, where there is none."""
        listed = self.listed(context)
        if listed is not None and self.index < len(listed):
            return listed[self.index]
        self.report({"ERROR"}, f"There is no reference picture {self.index}")  # type: ignore[attr-defined]
        return None


class AddReference(_OfReferences, UndoableOperator):
    """Have the picture, or a region, look like a picture of yours, in style and in what it shows"""

    bl_idname = "mixdiff.add_reference"
    bl_label = "Add MixDiff Reference"
    icon = "ADD"

    image = StringProperty(
        name="Image",
        description="Name of an image of this file; empty to choose one afterwards",
        options={"SKIP_SAVE"},
    )

    def run(self, context: Any) -> Result | None:
        """Add it at the end of the list."""
        listed = self.listed(context)
        if listed is None:
            self.report({"ERROR"}, "Choose a region in the list first")
            return {"CANCELLED"}
        image = bpy.data.images.get(self.image) if self.image else None
        if self.image and image is None:
            self.report({"ERROR"}, f"There is no image {self.image!r} in this file")
            return {"CANCELLED"}
        listed.add().image = image
        return None


class RemoveReference(_OfReferences, UndoableOperator):
    """Follow this picture no longer; the image stays"""

    bl_idname = "mixdiff.remove_reference"
    bl_label = "Remove MixDiff Reference"
    icon = "X"

    def run(self, context: Any) -> Result | None:
        """Take it off the list."""
        if self.chosen(context) is None:
            return {"CANCELLED"}
        self.listed(context).remove(self.index)
        return None


class ChooseAdapter(_OfReferences, UndoableOperator):
    """Follow the picture through this IP-Adapter"""

    bl_idname = "mixdiff.choose_adapter"
    bl_label = "Choose MixDiff IP-Adapter"

    model = StringProperty(
        name="IP-Adapter", description="Its name on the hub; empty for the known"
    )

    def run(self, context: Any) -> Result | None:
        """Set it."""
        reference = self.chosen(context)
        if reference is None:
            return {"CANCELLED"}
        reference.model = self.model
        return None


def known_adapters(context: Any) -> tuple[KnownAdapter, ...]:
    """Return the IP-Adapters for the scene's model, the one that is meant without a name first."""
    return adapters_for(model_facts(scene_in(context)))


CLASSES = (AddReference, RemoveReference, ChooseAdapter)
MENUS = ((RENDER_MENU, entries(AddReference.button)),)
