"""What tests of places share: regions' places and what is said of them, and what differs."""

from typing import Any

import bpy
from addon import scripting
from scenes import add_region, place

CELL_PX = 8


def places() -> dict[str, list[int]]:
    """Return the place of each region by its name."""
    return {region["name"]: place(region) for region in scripting.job()["regions"]}


def only_place() -> list[int]:
    (found,) = places().values()
    return found


def said(name: str) -> list[str]:
    (found,) = [region for region in scripting.regions() if region.name == name]
    return [problem for problem in found.problems if "of the canvas" not in problem]


def to_collection(name: str, *objects: Any) -> Any:
    """Return a new collection of no scene with these objects, which leave theirs."""
    collection = bpy.data.collections.new(name)
    for obj in objects:
        for owner in obj.users_collection:
            owner.objects.unlink(obj)
        collection.objects.link(obj)
    return collection


def instance_of(collection: Any, scene: Any) -> Any:
    """Return a region that shows a collection."""
    instance = bpy.data.objects.new("instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    scene.collection.objects.link(instance)
    instance.mixdiff.enabled, instance.mixdiff.prompt = True, "instance"
    return instance


def row_of(count: int, in_renders: bool, at: float = -1.5) -> Any:
    """Return a region that is as many units wide where its modifier is on."""
    row = add_region("row", "bricks", size=(0.5, 1), at=(at, 0, 0))
    array = row.modifiers.new("Array", "ARRAY")
    array.count, array.show_render, array.show_viewport = count, in_renders, not in_renders
    return row
