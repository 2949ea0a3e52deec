"""Where a scene's regions lie on the canvas, seen through its camera as the scene is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import bpy

from ...contract import Rectangle
from ...properties import region_settings
from .annotations import bounds_of_layer, layers_of
from .camera import border_of, view_of
from .empties import bounds_of_empty, is_image_empty
from .entries import Source
from .instances import bounds_of_instances, may_have_instances
from .planes import WITH_SURFACE, Visibility, surface_of, to_world
from .projection import Bounds, Canvas, on_canvas, visible_bounds


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
_NOT_EVALUATED = LeftOut(
    why="is disabled in viewports",
    remedy="switch it on there (the screen in the outliner), or switch its region off",
)
_NOT_IN_VIEW = LeftOut(
    why="is not in the camera's view", remedy="move it into the view, or switch its region off"
)
_NO_STROKES = LeftOut(
    why="has no stroke in the camera's view", remedy="draw one, or switch its region off"
)


class RegionBounds:
    """Looks at the regions of a scene through its camera; `sources` are all that may be asked for.

    Raises: EngineError of kind `job`, as `find_camera`.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        depsgraph: bpy.types.Depsgraph,
        sources: Sequence[Source],
        canvas: Canvas,
    ) -> None:
        self.canvas = canvas
        self._border = border_of(scene)
        self._frame = scene.frame_current
        self._depsgraph = depsgraph
        self._view = view_of(scene, depsgraph)
        self._layers = layers_of(scene)
        layer = cast(bpy.types.ViewLayer, depsgraph.view_layer)
        self._visibility = Visibility.of(layer)
        objects = [source.object for source in sources if source.object is not None]
        self._of_instances = bounds_of_instances(
            filter(may_have_instances, objects), depsgraph, self._view
        )

    def rectangle_of(self, source: Source) -> Rectangle | LeftOut:
        """Return a region's rectangle on the canvas's grid, or why there is none."""
        bounds = self.bounds_of(source)
        return bounds if isinstance(bounds, LeftOut) else on_canvas(bounds, self.canvas)

    def bounds_of(self, source: Source) -> Bounds | LeftOut:
        """Return the part of the camera's frame that a region covers, or why it covers none."""
        if source.object is not None:
            return self._bounds_of_object(source.object)
        layer = self._layers.get(source.layer)
        found = layer and bounds_of_layer(layer, self._frame, self._view, self._border)
        return found or _NO_STROKES

    def _bounds_of_object(self, obj: bpy.types.Object) -> Bounds | LeftOut:
        if obj not in self._visibility.included:
            return _EXCLUDED
        if obj not in self._visibility.rendered and not region_settings(obj).guide:
            return _NOT_RENDERED
        if obj not in self._visibility.evaluated:
            return _NOT_EVALUATED
        evaluated = obj.evaluated_get(self._depsgraph)
        parts: list[Bounds | None] = []
        if obj in self._of_instances:
            parts.append(self._of_instances[obj])
        if obj.type in WITH_SURFACE:
            points, triangles = surface_of(evaluated)
            if len(triangles):
                world = to_world(points, evaluated.matrix_world)
                parts.append(visible_bounds(self._view, world, triangles))
        if is_image_empty(obj):
            parts.append(bounds_of_empty(evaluated, self._view))
        return Bounds.around(parts) or (_NOT_IN_VIEW if parts else _NO_SURFACE)
