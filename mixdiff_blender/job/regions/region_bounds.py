"""Where a scene's regions lie on the canvas, seen through its camera as a render shows it now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import bpy

from .annotations import bounds_of_layer, layers_of
from .camera import border_of, view_of
from .entries import Source
from .pieces import bounds_of
from .projection import Bounds, Canvas
from .shown import ShownGeometry
from .visibility import LeftOut, what_it_shows_instead

_NO_SURFACE = LeftOut(why="has no surface", remedy="use a plane or another mesh")
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
        self._layer = cast(bpy.types.ViewLayer, depsgraph.view_layer)
        self._view = view_of(scene, depsgraph)
        self._strokes = layers_of(scene)
        objects = [source.object for source in sources if source.object is not None]
        self._shown = ShownGeometry(scene, depsgraph, objects)

    def bounds_of(self, source: Source) -> Bounds | LeftOut:
        """Return the part of the camera's frame that a region covers, or why it covers none."""
        if source.object is None:
            layer = self._strokes.get(source.layer)
            found = layer and bounds_of_layer(layer, self._frame, self._view, self._border)
            return found or _NO_STROKES
        pieces = self._shown.pieces_of(source.object)
        if isinstance(pieces, LeftOut):
            return pieces
        return bounds_of(pieces, self._view) or (_NOT_IN_VIEW if pieces else _NO_SURFACE)

    def doubts_about(self, source: Source) -> Iterator[tuple[str, str]]:
        """Return what a render shows otherwise than a region's place has it, and what to do."""
        if source.object is not None:
            yield from what_it_shows_instead(source.object, self._layer)
            yield from self._shown.doubts_about(source.object)
