"""What tests of places share: regions' places and what is said of them, and what differs."""

from typing import Any

import bpy
import numpy as np
from addon import job_from_scene, scripting
from scenes import add_region, place, update

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


def read() -> Any:
    """Return the scene's job as it is now."""
    update()
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def covered(name: str) -> Any:
    """Return what a region covers of the canvas, two samples a pixel."""
    job = read()
    (region,) = [region for region in job.job.regions if region.name == name]
    whole = np.zeros((job.job.canvas_height * 2, job.job.canvas_width * 2))
    top, bottom, left, right = (side * 2 for side in region.bounds)
    whole[top:bottom, left:right] = job.silhouettes[region.id].shares
    return whole


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
