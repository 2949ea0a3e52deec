"""Making objects, and what they have in common, regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from ...contract import EngineError, Image2ImageRegion, Text2ImageRegion
from ...properties import (
    RECTANGLE,
    SILHOUETTE,
    RegionEntry,
    RegionSettings,
    canvas_settings,
    region_settings,
)
from ..prompts import escaped
from ..scene_words import prompt_from_group, prompt_from_names
from .empties import is_image_empty
from .entries import GATHERED, Group, group_of, list_group, list_object, sync
from .instances import may_have_instances
from .surfaces import SHOWN

FITTING = "fitting"
_MOST_NAMED = 3
_FEATHER_PX = {RECTANGLE: 32, SILHOUETTE: 8}  # of what fills its place


def can_be_region(obj: bpy.types.Object) -> bool:
    """Return whether an object shows something that can cover a part of the picture."""
    return obj.type in SHOWN or is_image_empty(obj) or may_have_instances(obj)


def image_shown_by(obj: bpy.types.Object) -> bpy.types.Image | None:
    """Return the image that an object shows: an empty's, or its active material's texture."""
    if is_image_empty(obj):
        data: Any = obj.data
        return data if isinstance(data, bpy.types.Image) else None
    material = obj.active_material
    tree = material.node_tree if material else None
    if tree is None:
        return None
    nodes: list[Any] = [tree.nodes.active, *tree.nodes]
    shown = (n.image for n in nodes if n is not None and n.type == "TEX_IMAGE" and n.image)
    return next(shown, None)


def is_image(obj: bpy.types.Object) -> bool:
    """Return whether an object is there to show an image: an image empty, or a textured plane."""
    if is_image_empty(obj):
        return True
    mesh = obj.data
    is_plane = isinstance(mesh, bpy.types.Mesh) and len(mesh.polygons) == 1
    return is_plane and image_shown_by(obj) is not None


def mark(scene: bpy.types.Scene, obj: bpy.types.Object, kind: str) -> None:
    """Make an object a region of a type; of the one that fits where it is `FITTING`.

    An object that is there to show an image becomes an image region, any other keeps its type; what
    is a region already stays as it is. The image that an image region's object shows becomes the
    picture to start from, unless one is chosen. A new text region's prompt begins as what its
    object, material or collection is called.

    Raises: EngineError of kind `job` where the object belongs to another file.
    """
    if obj.library is not None:
        raise EngineError(
            f"{obj.name!r} belongs to {obj.library.filepath}, and would forget that it is a region",
            kind="job",
            advice="make a library override of it (Object > Library Override > Make)",
        )
    settings = region_settings(obj)
    is_new = not settings.enabled
    if is_new:
        _choose_shape(settings, obj)
    if kind != FITTING:
        settings.type = kind
    elif is_new and not settings.prompt and is_image(obj):
        settings.type = Image2ImageRegion.TYPE
    if settings.type == Image2ImageRegion.TYPE and settings.reference_image is None:
        settings.reference_image = image_shown_by(obj)
    if is_new and settings.type == Text2ImageRegion.TYPE and not settings.prompt:
        settings.prompt = escaped(prompt_from_names(obj))
    list_object(scene, obj)


def mark_group(scene: bpy.types.Scene, group: Group) -> RegionEntry:
    """Make a collection or a material a region, whose prompt begins as its name says.

    What is a region already stays as it is.

    Raises: EngineError of kind `job` for the collection of a scene itself.
    """
    if isinstance(group, bpy.types.Collection) and group not in bpy.data.collections[:]:
        raise EngineError(
            f"{group.name!r} is the scene itself",
            kind="job",
            advice="choose one of its collections; what is behind all is the Background",
        )
    sync(scene)
    entry = list_group(scene, group)
    settings = entry.settings
    if not settings.is_property_set("shape"):
        settings.shape, settings.mask_type = SILHOUETTE, "feather"
        settings.feather_px = _FEATHER_PX[SILHOUETTE]
        settings.prompt = settings.prompt or escaped(prompt_from_group(group))
    return entry


def gathered(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object]) -> bpy.types.Collection:
    """Return a collection with just these objects: a region's, or a new one.

    The objects stay where they are: it lies in no scene, as what Blender makes with Ctrl+G.
    """
    for group in filter(None, map(group_of, canvas_settings(scene).regions)):
        if isinstance(group, bpy.types.Collection) and {*group.all_objects} == {*objects}:
            return group
    names = dict.fromkeys(filter(None, map(prompt_from_names, objects)))
    collection = bpy.data.collections.new(", ".join(list(names)[:_MOST_NAMED]) or "Region")
    collection[GATHERED] = True
    for obj in objects:
        collection.objects.link(obj)
    return collection


def _choose_shape(settings: RegionSettings, obj: bpy.types.Object) -> None:
    """Give a new region the shape that fits, unless somebody chose one, or weights of its own."""
    if settings.is_property_set("mask_type") or settings.is_property_set("shape"):
        return
    is_thing = not (settings.guide or is_image_empty(obj))
    shape = SILHOUETTE if is_thing and settings.mask is None else RECTANGLE
    settings.mask_type, settings.feather_px = "feather", _FEATHER_PX[shape]
    if settings.mask is None:
        settings.shape = shape
