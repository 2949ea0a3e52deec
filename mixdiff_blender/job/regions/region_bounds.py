"""Where a scene's regions lie on the canvas, seen through its camera as a render shows it now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import bpy

from ...contract import Image2ImageRegion, Rectangle
from ...properties import region_settings
from .annotations import bounds_of_layer, layers_of
from .camera import border_of, view_of
from .entries import Source
from .occluders import occluders
from .pieces import Piece, bounds_of
from .projection import Bounds, Canvas, on_canvas
from .shapes import has_silhouette
from .shown import ShownGeometry
from .silhouettes import Coverage, Silhouette, Silhouettes
from .visibility import LeftOut, what_it_shows_instead

_NO_SURFACE = LeftOut(why="has no surface", remedy="use a plane or another mesh")
_NOT_IN_VIEW = LeftOut(
    why="is not in the camera's view", remedy="move it into the view, or switch its region off"
)
_HIDDEN = LeftOut(
    why="is hidden behind other things",
    remedy="move it to where the camera sees it, choose the shape Rectangle, or switch it off",
)
_NO_STROKES = LeftOut(
    why="has no stroke in the camera's view", remedy="draw one, or switch its region off"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where a region lies on the canvas."""

    rectangle: Rectangle
    far: float
    """How far from the camera the last is of what covers it; 0 where nothing in the scene does."""
    coverage: Coverage | None = None
    """What it covers of the rectangle; None where a mask's picture says so, or all of it."""


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
        self._numbers = {
            source.object: number
            for number, source in enumerate(filter(has_silhouette, sources), start=1)
            if source.object is not None
        }
        self._occluders = occluders(self._layer) if self._numbers else []
        objects = [source.object for source in sources if source.object is not None]
        everything = list(dict.fromkeys([*objects, *self._occluders]))
        self._shown = ShownGeometry(scene, depsgraph, everything)

    def place_of(self, source: Source) -> Place | LeftOut:
        """Return where a region lies and what it covers there, or why it covers nothing."""
        bounds = self.bounds_of(source)
        if isinstance(bounds, LeftOut):
            return bounds
        rectangle = on_canvas(bounds, self.canvas)
        if source.object not in self._numbers:
            return Place(rectangle=rectangle, far=bounds.far)
        seen = self._silhouette_of(source)
        if seen is None:
            return _HIDDEN
        if source.settings.type == Image2ImageRegion.TYPE:  # whose picture fills its rectangle
            coverage = self._silhouettes.cropped(seen, rectangle)
            return Place(rectangle=rectangle, far=seen.far, coverage=coverage)
        return Place(rectangle=seen.window, far=seen.far, coverage=seen.coverage)

    def bounds_of(self, source: Source) -> Bounds | LeftOut:
        """Return the part of the camera's frame that a region covers, or why it covers none.

        What hides it from the camera does not count.
        """
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

    def _silhouette_of(self, source: Source) -> Silhouette | None:
        obj, settings = source.object, source.settings
        assert obj is not None
        if settings.guide:  # which hides nothing, and is hidden by nothing
            alone = Silhouettes(self._view, self.canvas, [(1, self._pieces_of(obj))], keep=False)
            return alone.of(1, settings.feather_px)
        return self._silhouettes.of(self._numbers[obj], settings.feather_px)

    @cached_property
    def _silhouettes(self) -> Silhouettes:
        """All that is seen; of what lies in the same place, what is a region."""
        regions = [
            (number, self._pieces_of(obj))
            for obj, number in self._numbers.items()
            if not region_settings(obj).guide
        ]
        others = [(0, self._pieces_of(obj)) for obj in self._occluders if obj not in self._numbers]
        return Silhouettes(self._view, self.canvas, [*regions, *others])

    def _pieces_of(self, obj: bpy.types.Object) -> Sequence[Piece]:
        pieces = self._shown.pieces_of(obj)
        return () if isinstance(pieces, LeftOut) else pieces
