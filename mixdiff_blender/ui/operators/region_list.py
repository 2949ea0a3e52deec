"""Ordering, copying and removing the regions of the list."""

from __future__ import annotations

from typing import Any

import bpy

from ...job.regions.belonging import members_of
from ...job.regions.entries import group_of, settings_of, sync
from ...properties import RegionEntry, canvas_settings, region_settings
from ...properties.contexts import scene_in, select, view_layer_in
from ...properties.declarations import BoolProperty, EnumProperty
from .base import Requirement, Result, UndoableOperator, entries, require, submenu


def active_entry(scene: bpy.types.Scene) -> RegionEntry | None:
    """Return the region that is chosen in the list."""
    settings = canvas_settings(scene)
    index = settings.active_region
    return settings.regions[index] if 0 <= index < len(settings.regions) else None


def _active_object(context: Any) -> bpy.types.Object | None:
    entry = active_entry(scene_in(context))
    return entry.object if entry else None


def _active_objects(context: Any) -> list[bpy.types.Object]:
    """Return what the chosen region is made of in the view layer; of a group what is not hidden."""
    entry, objects = active_entry(scene_in(context)), view_layer_in(context).objects
    group = group_of(entry) if entry else None
    if group is not None:
        return members_of(group, [obj for obj in objects if obj.visible_get()])
    found = _active_object(context)
    return [found] if found is not None and objects.get(found.name) == found else []


def _is_region(obj: bpy.types.Object) -> bool:
    return region_settings(obj).enabled


class _OfChosenRegion(UndoableOperator):
    """Acts on the region that is chosen in the list."""

    requirements: tuple[Requirement, ...] = (
        require(
            lambda context: active_entry(scene_in(context)) is not None,
            "Choose a region in the list first; add one with Object > Add as MixDiff Region",
        ),
    )


class RemoveRegion(_OfChosenRegion):
    """Take the chosen region off the list; its objects or annotation stay"""

    bl_idname = "mixdiff.remove_region"
    bl_label = "Remove MixDiff Region"
    icon = "REMOVE"

    def run(self, context: Any) -> None:
        """Remove the entry, and choose the one that follows it."""
        settings = canvas_settings(scene_in(context))
        index = settings.active_region
        settings_of(settings.regions[index]).enabled = False
        settings.regions.remove(index)
        if len(settings.regions):
            settings.active_region = min(index, len(settings.regions) - 1)


class DuplicateRegion(_OfChosenRegion):
    """Copy the chosen region's object, in the same place and with the same settings"""

    bl_idname = "mixdiff.duplicate_region"
    bl_label = "Duplicate MixDiff Region"
    icon = "DUPLICATE"
    requirements = (
        *_OfChosenRegion.requirements,
        require(_active_object, "Only an object's region is copied: with the object"),
    )

    def run(self, context: Any) -> None:
        """Copy the object and its shape, and list the copy after it."""
        scene = scene_in(context)
        settings = canvas_settings(scene)
        index = settings.active_region
        source = settings.regions[index].object
        copy = source.copy()
        if copy.data is not None:
            copy.data = copy.data.copy()
        for collection in source.users_collection:
            collection.objects.link(copy)
        sync(scene)
        listed = [entry.object for entry in settings.regions]
        if copy not in listed:  # a region that is switched off
            settings.regions.add().object = copy
            listed.append(copy)
        settings.regions.move(listed.index(copy), index + 1)
        view_layer_in(context).update()
        settings.active_region = index + 1


class MoveRegion(_OfChosenRegion):
    """Move the chosen region in the list, whose order is the job's order"""

    bl_idname = "mixdiff.move_region"
    bl_label = "Move MixDiff Region"

    direction: str = EnumProperty(
        name="Direction",
        items=[("UP", "Up", "Towards the start"), ("DOWN", "Down", "Towards the end")],
    )

    def run(self, context: Any) -> Result | None:
        """Move the entry one place; at the end of the list it stays."""
        settings = canvas_settings(scene_in(context))
        index = settings.active_region
        goal = index + (-1 if self.direction == "UP" else 1)
        if not 0 <= goal < len(settings.regions):
            return {"CANCELLED"}
        settings.regions.move(index, goal)
        settings.chosen_region = goal
        return None


class SelectRegion(_OfChosenRegion):
    """Select the chosen region's objects in the viewport, so as to put the picture on them"""

    bl_idname = "mixdiff.select_region"
    bl_label = "Select MixDiff Region's Objects"
    icon = "RESTRICT_SELECT_OFF"
    requirements = (
        *_OfChosenRegion.requirements,
        require(_active_objects, "The region has no object in this view layer"),
    )

    extend = BoolProperty(
        name="Extend", description="Keep what is selected already", options={"SKIP_SAVE"}
    )

    def run(self, context: Any) -> None:
        """Select the objects, and make one the active one: of several one that is no region.

        Of a material's objects it becomes the active material.
        """
        found = _active_objects(context)
        entry = active_entry(scene_in(context))
        assert entry is not None
        for number, obj in enumerate(sorted(found, key=_is_region, reverse=True)):
            obj.hide_set(False)
            select(context, obj, extend=self.extend or number > 0)
            if entry.material is not None:
                shown = [slot.material for slot in obj.material_slots]
                obj.active_material_index = shown.index(entry.material)


def draw_moving(layout: Any, up: str = "", down: str = "") -> None:
    """Draw what moves the chosen region in the list."""
    MoveRegion.button(layout, up, "TRIA_UP", direction="UP")
    MoveRegion.button(layout, down, "TRIA_DOWN", direction="DOWN")


class RegionListMenu(bpy.types.Menu):
    """What can be done with the region that is chosen in the list."""

    bl_idname = "MIXDIFF_MT_region_list"
    bl_label = "MixDiff Region"

    def draw(self, context: Any) -> None:
        """Draw the entries."""
        SelectRegion.button(self.layout)
        DuplicateRegion.button(self.layout)
        draw_moving(self.layout, "Move MixDiff Region Up", "Move MixDiff Region Down")
        RemoveRegion.button(self.layout)


CLASSES = (RemoveRegion, DuplicateRegion, MoveRegion, SelectRegion, RegionListMenu)
MENUS = (("VIEW3D_MT_object", entries(submenu(RegionListMenu, "PRESET"))),)
