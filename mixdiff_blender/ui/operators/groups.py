"""Making one region of several objects: those that are selected, a collection's, a material's."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.naming import find_name
from ...job.regions.entries import Group, group_of
from ...job.regions.marking import can_be_region, gathered, mark_group
from ...properties import canvas_settings
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import StringProperty
from .base import UndoableOperator, entries, require

_LEAST = 2


def _selected(context: Any) -> list[bpy.types.Object]:
    objects = view_layer_in(context).objects
    return [obj for obj in objects.selected if can_be_region(obj)]


class _MarksGroup(UndoableOperator):
    """Makes a collection or a material a region, and chooses it in the list."""

    def run(self, context: Any) -> None:
        """List it.

        Raises: EngineError of kind `job` or `name` where there is none to be one.
        """
        scene, group = scene_in(context), self.group_in(context)
        mark_group(scene, group)
        settings = canvas_settings(scene)
        settings.active_region = list(map(group_of, settings.regions)).index(group)

    def group_in(self, context: Any) -> Group:
        """Return what is to be a region.

        Raises: EngineError.
        """
        raise NotImplementedError


class MarkTogether(_MarksGroup):
    """Make the selected objects one region together: what the camera sees of all of them"""

    bl_idname = "mixdiff.mark_together"
    bl_label = "Add as One MixDiff Region"
    icon = "OUTLINER_OB_GROUP_INSTANCE"
    requirements = (
        require(
            lambda context: len(_selected(context)) >= _LEAST,
            "Select two objects with a surface, or more",
        ),
    )

    def group_in(self, context: Any) -> Group:
        """Return a collection with the objects."""
        return gathered(scene_in(context), _selected(context))


class MarkCollection(_MarksGroup):
    """Make a collection a region: what the camera sees of its objects and of their instances"""

    bl_idname = "mixdiff.mark_collection"
    bl_label = "Add Collection as MixDiff Region"
    icon = "OUTLINER_COLLECTION"

    collection: str = StringProperty(
        name="Collection",
        description="The collection's name; the active one's unless given",
        options={"SKIP_SAVE"},
    )

    def group_in(self, context: Any) -> Group:
        """Return the collection.

        Raises: EngineError of kind `name` where there is none of the name.
        """
        if self.collection:
            return find_name("collection", self.collection, {**bpy.data.collections})
        found: bpy.types.Collection = context.collection
        return found


class MarkMaterial(_MarksGroup):
    """Make a material a region: what the camera sees of all faces that have it"""

    bl_idname = "mixdiff.mark_material"
    bl_label = "Add Material as MixDiff Region"
    icon = "MATERIAL"

    material: str = StringProperty(
        name="Material",
        description="The material's name; the active object's active one's unless given",
        options={"SKIP_SAVE"},
    )

    def group_in(self, context: Any) -> Group:
        """Return the material.

        Raises: EngineError where there is none of the name, or the active object has none.
        """
        if self.material:
            return find_name("material", self.material, {**bpy.data.materials})
        active = view_layer_in(context).objects.active
        found = active.active_material if active is not None else None
        if found is None:
            raise EngineError(
                "the active object has no material",
                kind="job",
                advice="select an object with one, and choose it in Material Properties",
            )
        return found


def draw_add_menu(layout: Any) -> None:
    """Add what makes regions of several objects to a menu."""
    MarkTogether.button(layout, "Selected as One Region")
    MarkCollection.button(layout, "Active Collection")
    MarkMaterial.button(layout, "Active Material")


CLASSES = (MarkTogether, MarkCollection, MarkMaterial)
_OF_OBJECTS = entries(MarkTogether.button, MarkCollection.button, MarkMaterial.button)
MENUS = (
    ("VIEW3D_MT_object", _OF_OBJECTS),
    ("OUTLINER_MT_collection", entries(MarkCollection.button)),
    ("MATERIAL_MT_context_menu", entries(MarkMaterial.button)),
)
