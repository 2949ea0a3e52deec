"""What a render shows and the camera sees, by the collections and the objects' own settings."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any

import bpy

from ...properties import region_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Why a region has no place on the canvas, and what to do."""

    why: str
    remedy: str


_EXCLUDED = LeftOut(
    why="is in no collection of the view layer",
    remedy="include its collection in the outliner, or switch its region off",
)
_NOT_RENDERED = LeftOut(
    why="is hidden from the render",
    remedy="show it there, make it a guide, or switch its region off",
)
_NOT_FOR_CAMERAS = LeftOut(
    why="is not shown to the camera",
    remedy="switch on Camera in its Ray Visibility, make it a guide, or switch its region off",
)
_INDIRECT_ONLY = LeftOut(
    why="is in a collection that the camera sees only indirectly",
    remedy="switch off Indirect Only there, make it a guide, or switch its region off",
)


def with_sets(scene: bpy.types.Scene) -> list[bpy.types.Scene]:
    """Return a scene and those that its renders show too: its background set, and that one's."""
    found = [scene]
    while (behind := found[-1].background_set) is not None and behind not in found:
        found.append(behind)
    return found


def objects_of(scene: bpy.types.Scene) -> Iterator[bpy.types.Object]:
    """Return what is in a scene or in what its renders show behind it."""
    return chain.from_iterable(part.objects for part in with_sets(scene))


def _rendered_layer(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """Return the layer of a background set that renders show."""
    layers: Any = scene.view_layers
    found: bpy.types.ViewLayer = next((layer for layer in layers if layer.use), layers[0])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What the collections of a view layer let through, and those of what is behind its scene."""

    included: Set[Any]
    """What is in a collection that the layer does not exclude."""
    evaluated: Set[Any]
    """What is not disabled in viewports: Blender leaves the rest as it was last seen. What is only
    hidden (by the eye) is evaluated all the same."""
    rendered: Set[Any]

    @classmethod
    def of(cls, view_layer: bpy.types.ViewLayer) -> Visibility:
        """Return what a view layer lets through."""
        included: set[Any] = set()
        evaluated: set[Any] = set()
        rendered: set[Any] = set()

        def visit(layer: bpy.types.LayerCollection, in_viewports: bool, in_renders: bool) -> None:
            if layer.exclude:
                return
            in_viewports = in_viewports and not layer.collection.hide_viewport
            in_renders = in_renders and not layer.collection.hide_render
            objects = layer.collection.objects
            included.update(objects)
            if in_viewports:
                evaluated.update(obj for obj in objects if not obj.hide_viewport)
            if in_renders:
                rendered.update(obj for obj in objects if not obj.hide_render)
            for child in layer.children:
                visit(child, in_viewports, in_renders)

        visit(view_layer.layer_collection, True, True)
        scene = view_layer.id_data
        assert isinstance(scene, bpy.types.Scene)
        for behind in with_sets(scene)[1:]:
            visit(_rendered_layer(behind).layer_collection, True, True)
        return cls(included=included, evaluated=evaluated, rendered=rendered)

    def why_unseen(self, obj: bpy.types.Object, layer: bpy.types.ViewLayer) -> LeftOut | None:
        """Return why a render shows nothing of an object, or None where it may."""
        if obj not in self.included:
            return _EXCLUDED
        if region_settings(obj).guide:
            return None
        if obj not in self.rendered:
            return _NOT_RENDERED
        if not obj.visible_camera and obj.type != "LIGHT":
            return _NOT_FOR_CAMERAS
        return _INDIRECT_ONLY if obj.indirect_only_get(view_layer=layer) else None


def what_it_shows_instead(
    obj: bpy.types.Object, layer: bpy.types.ViewLayer
) -> Iterator[tuple[str, str]]:
    """Return what a render shows where an object is, if not the object, and what to do."""
    if obj.is_holdout or obj.holdout_get(view_layer=layer):
        yield "is a holdout: where it is, a render shows a hole", "switch Holdout off"
    if obj.is_shadow_catcher:
        yield "is a shadow catcher: a render shows its shadows alone", "switch Shadow Catcher off"
