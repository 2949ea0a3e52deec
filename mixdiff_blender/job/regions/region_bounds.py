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
from .belonging import Belonging, belongs_to, members_of
from .camera import border_of, view_of
from .drawn_rectangles import drawn_rectangle
from .entries import Group, Source
from .group_doubts import about_members, not_covered, why_empty
from .occluders import occluders
from .pieces import Piece, bounds_of
from .projection import Bounds, Canvas, on_canvas
from .shapes import has_silhouette
from .shown import ShownGeometry
from .sight import Aside, Seen, Sight, seen_now
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
_ANOTHERS = LeftOut(
    why="has nothing that is no other region's",
    remedy="switch off the regions of its objects, choose the shape Rectangle, or switch it off",
)
_NO_STROKES = LeftOut(
    why="has no stroke in the camera's view", remedy="draw one, or switch its region off"
)

_IS_VOLUME = (
    "is a volume: the box around it counts, with all that is behind",
    "paint a mask for its own shape (Mask Picture), or put what is in it into regions of its own",
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
        aside: Aside | None = None,
    ) -> None:
        """With `aside` silhouettes may be those of a moment ago, or not there yet."""
        self.canvas = canvas
        self._aside = aside
        self._border = border_of(scene)
        self._scene, self._depsgraph = scene, depsgraph
        self._frame = scene.frame_current
        self._layer = cast(bpy.types.ViewLayer, depsgraph.view_layer)
        self._view = view_of(scene, depsgraph)
        self._strokes = layers_of(scene)
        outlined = list(filter(has_silhouette, sources))
        self._outlined = outlined
        self._numbers = {source.id: number for number, source in enumerate(outlined, start=1)}
        self._belonging = Belonging(self._numbers, outlined)
        needs_all = bool(outlined) or any(source.group is not None for source in sources)
        self._occluders = occluders(self._layer) if needs_all else []
        objects = [source.object for source in sources if source.object is not None]
        everything = list(dict.fromkeys([*objects, *self._occluders]))
        self._shown = ShownGeometry(scene, depsgraph, everything)

    def place_of(self, source: Source) -> Place | LeftOut:
        """Return where a region lies and what it covers there, or why it covers nothing."""
        drawn = source.object and self._drawn_over_edges(source.object)
        has_outline = source.id in self._numbers and self._is_looked_at and not drawn
        seen = self._silhouette_of(source) if has_outline else None
        # The picture of an image region fills its rectangle.
        if seen is not None and source.settings.type != Image2ImageRegion.TYPE:
            return Place(rectangle=seen.window, far=seen.far, coverage=seen.coverage)
        if has_outline and seen is None and self._is_all_anothers(source):
            return _ANOTHERS
        bounds = self.bounds_of(source)
        if isinstance(bounds, LeftOut):
            return bounds
        rectangle = on_canvas(bounds, self.canvas)
        if not has_outline:
            return Place(rectangle=rectangle, far=bounds.far)
        if seen is None:
            return _HIDDEN
        assert self._seen is not None
        coverage = self._seen.silhouettes.cropped(seen, rectangle)
        return Place(rectangle=rectangle, far=seen.far, coverage=coverage)

    def bounds_of(self, source: Source) -> Bounds | LeftOut:
        """Return the part of the camera's frame that a region covers, or why it covers none.

        What hides it from the camera does not count.
        """
        if source.group is not None:
            pieces = [piece for _, piece in self._pieces_in(source.group)]
            nothing = why_empty(source.group, self._shown.visibility, self._layer)
            return bounds_of(pieces, self._view) or (_NOT_IN_VIEW if pieces else nothing)
        if source.object is None:
            layer = self._strokes.get(source.layer)
            found = layer and bounds_of_layer(layer, self._frame, self._view, self._border)
            return found or _NO_STROKES
        shown = self._shown.pieces_of(source.object)
        if isinstance(shown, LeftOut):
            return shown
        if drawn := self._drawn_over_edges(source.object):
            return drawn
        return bounds_of(shown, self._view) or (_NOT_IN_VIEW if shown else _NO_SURFACE)

    def _drawn_over_edges(self, obj: bpy.types.Object) -> Bounds | None:
        """Return where a drawn rectangle lies that may go over the canvas's edges."""
        if self.canvas.is_panorama or not any(self.canvas.is_ring):
            return None
        drawn = drawn_rectangle(self._scene, self._depsgraph, obj)
        return drawn.bounds if drawn else None

    def doubts_about(self, source: Source) -> Iterator[tuple[str, str]]:
        """Return what a render shows otherwise than a region's place has it, and what to do."""
        if source.group is not None:
            owners = {owner for owner, _ in self._pieces_in(source.group)}
            found = [(obj.name, doubt) for obj in owners for doubt in self._doubts_about(obj)]
            found += not_covered(members_of(source.group, self._shown.visibility.rendered))
            yield from about_members(sorted(found))
        elif source.object is not None:
            yield from self._doubts_about(source.object)

    def _doubts_about(self, obj: bpy.types.Object) -> Iterator[tuple[str, str]]:
        if any(not piece.hides for piece in self._pieces_of(obj)):
            yield _IS_VOLUME
        yield from what_it_shows_instead(obj, self._layer)
        yield from self._shown.doubts_about(obj)

    def _silhouette_of(self, source: Source) -> Silhouette | None:
        obj, settings = source.object, source.settings
        if obj is not None and settings.guide:  # which hides nothing, and is hidden by nothing
            alone = Silhouettes(self._view, self.canvas, [(1, self._pieces_of(obj))], keep=False)
            return alone.of(1, settings.feather_px)
        return self._seen.by_id.get(source.id) if self._seen is not None else None

    @property
    def _is_looked_at(self) -> bool:
        return self._aside is None or self._seen is not None

    @cached_property
    def _seen(self) -> Seen | None:
        return seen_now(self._sight) if self._aside is None else self._aside.seen(self._sight)

    @property
    def _sight(self) -> Sight:
        """All that is seen; of what lies in the same place, what is a region."""
        own = self._belonging.of_objects
        regions = [
            (number, self._pieces_of(obj))
            for obj, number in own.items()
            if not region_settings(obj).guide
        ]
        others = [
            (self._belonging.number_of(obj, piece), piece)
            for obj in self._occluders
            if obj not in own
            for piece in self._pieces_of(obj)
        ]
        others = [(number, piece) for number, piece in others if number or piece.hides]
        others.sort(key=lambda one: one[0] == 0)
        drawn = [*regions, *((number, [piece]) for number, piece in others)]
        wanted = {
            source.id: (self._numbers[source.id], source.settings.feather_px)
            for source in self._outlined
        }
        return Sight(view=self._view, canvas=self.canvas, shown=drawn, wanted=wanted)

    def _is_all_anothers(self, source: Source) -> bool:
        """Return whether a group shows something, and all of it belongs to other regions."""
        if source.group is None:
            return False
        owners = {self._belonging.number_of(*one) for one in self._pieces_in(source.group)}
        return bool(owners) and self._numbers[source.id] not in owners

    def _pieces_in(self, group: Group) -> Iterator[tuple[bpy.types.Object, Piece]]:
        """Return the pieces that belong to a group, each with what shows it."""
        belongs = belongs_to(group)
        for obj in self._occluders:
            for piece in self._pieces_of(obj):
                if belongs(obj, piece):
                    yield obj, piece

    def _pieces_of(self, obj: bpy.types.Object) -> Sequence[Piece]:
        pieces = self._shown.pieces_of(obj)
        return () if isinstance(pieces, LeftOut) else pieces
