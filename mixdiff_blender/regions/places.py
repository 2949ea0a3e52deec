"""Where a scene's regions lie on the canvas, seen through its camera as the scene is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import bpy

from ..properties import region_settings
from .annotations import bounds_of_layer, layers_of
from .camera import border_of, canvas_of, view_of
from .empties import bounds_of_empty, is_image_empty
from .entries import Source
from .instances import bounds_of_instances, may_have_instances
from .planes import WITH_SURFACE, bounds_of, rendered_objects
from .projection import Bounds, CanvasRectangle, on_canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Why a region has no place on the canvas, and what to do."""

    why: str
    remedy: str


_NO_SURFACE = LeftOut(why="has no surface", remedy="use a plane or another mesh")
_EXCLUDED = LeftOut(
    why="is in no collection of the view layer",
    remedy="include its collection in the outliner, or switch its region off",
)
_NOT_RENDERED = LeftOut(
    why="is hidden from the render",
    remedy="show it there, make it a guide, or switch its region off",
)
_NOT_SHOWN = LeftOut(
    why="is hidden in the viewport", remedy="show it there, or switch its region off"
)
_NOT_IN_VIEW = LeftOut(
    why="is not in the camera's view", remedy="move it into the view, or switch its region off"
)
_NO_STROKES = LeftOut(
    why="has no stroke in the camera's view", remedy="draw one, or switch its region off"
)


class Places:
    """Looks at the regions of a scene through its camera; `sources` are all that may be asked for.

    Raises: EngineError of kind `job`, as `find_camera`.
    """

    def __init__(
        self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, sources: Sequence[Source]
    ) -> None:
        self.canvas = canvas_of(scene)
        self._border = border_of(scene)
        self._depsgraph = depsgraph
        self._view = view_of(scene, depsgraph)
        self._layers = layers_of(scene)
        layer = cast(bpy.types.ViewLayer, depsgraph.view_layer)
        self._rendered, self._included = rendered_objects(layer)
        objects = [source.object for source in sources if source.object is not None]
        self._of_instances = bounds_of_instances(
            filter(may_have_instances, objects), depsgraph, self._view
        )

    def rectangle_of(self, source: Source) -> CanvasRectangle | LeftOut:
        """Return a region's rectangle on the grid of the stride, or why there is none."""
        bounds = self.bounds_of(source)
        return bounds if isinstance(bounds, LeftOut) else on_canvas(bounds, self.canvas)

    def bounds_of(self, source: Source) -> Bounds | LeftOut:
        """Return the part of the camera's frame that a region covers, or why it covers none."""
        if source.object is not None:
            return self._bounds_of_object(source.object)
        layer = self._layers.get(source.layer)
        found = layer and bounds_of_layer(layer, self._view, self._border)
        return found or _NO_STROKES

    def _bounds_of_object(self, obj: bpy.types.Object) -> Bounds | LeftOut:
        if obj not in self._included:
            return _EXCLUDED
        if obj not in self._rendered and not region_settings(obj).guide:
            return _NOT_RENDERED
        if not obj.evaluated_get(self._depsgraph).is_evaluated:
            return _NOT_SHOWN
        has_surface, has_image = obj.type in WITH_SURFACE, is_image_empty(obj)
        if not (has_surface or has_image or may_have_instances(obj)):
            return _NO_SURFACE
        parts = [self._of_instances.get(obj)]
        if has_surface:
            parts.append(bounds_of(obj, self._depsgraph, self._view))
        if has_image:
            parts.append(bounds_of_empty(obj, self._depsgraph, self._view))
        return Bounds.around(parts) or _NOT_IN_VIEW
