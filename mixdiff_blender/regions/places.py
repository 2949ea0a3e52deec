"""Where a scene's regions lie on the canvas, seen through its camera as the scene is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import bpy

from .camera import canvas_of, view_of
from .entries import Source
from .planes import WITH_SURFACE, bounds_of, rendered_objects
from .projection import Bounds, CanvasRectangle, on_canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Why a region has no place on the canvas, and what to do."""

    why: str
    remedy: str


class Places:
    """Looks at one region after another through a scene's camera.

    Raises: EngineError of kind `job`, as `find_camera`.
    """

    def __init__(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        self.canvas = canvas_of(scene)
        self._depsgraph = depsgraph
        self._view = view_of(scene, depsgraph)
        self._rendered = rendered_objects(cast(bpy.types.ViewLayer, depsgraph.view_layer))

    def rectangle_of(self, source: Source) -> CanvasRectangle | LeftOut:
        """Return a region's rectangle on the grid of the stride, or why there is none."""
        bounds = self.bounds_of(source)
        return bounds if isinstance(bounds, LeftOut) else on_canvas(bounds, self.canvas)

    def bounds_of(self, source: Source) -> Bounds | LeftOut:
        """Return the part of the camera's frame that a region covers, or why it covers none."""
        obj = source.object
        if obj is None:
            return LeftOut(why="has no surface", remedy="use a plane or another mesh")
        if obj not in self._rendered:
            remedy = "show it, or switch its region off"
            return LeftOut(why="is hidden from the render", remedy=remedy)
        if obj.type not in WITH_SURFACE:
            return LeftOut(why="has no surface", remedy="use a plane or another mesh")
        remedy = "move it into the view, or switch its region off"
        return bounds_of(obj, self._depsgraph, self._view) or LeftOut(
            why="is not in the camera's view", remedy=remedy
        )
