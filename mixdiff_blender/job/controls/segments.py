"""A colour for each region, as ControlNets for segmentation expect it."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np

from ...contract import Rectangle
from ..regions.pieces import Piece
from .seen_triangles import Colours, SeenTriangles
from .segment_classes import Colour, class_named_in, colour_of

_NOTHING: Colour = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Which colour everything has that is seen."""

    number_of: Callable[[bpy.types.Object, Piece], int] = lambda owner, piece: 0
    """Returns the number of the region that a piece belongs to; 0 for none."""
    colours: Mapping[int, Colour] = field(default_factory=dict)
    """Of regions that are things of the scene, by their numbers."""
    rectangles: Sequence[tuple[Rectangle, Colour]] = ()
    """Of regions that are none, which lie behind all things; the first lies behind the others."""
    background: Colour = _NOTHING


def region_colour(id_: str, *texts: str) -> Colour:
    """Return a region's colour: of the class that its texts name first, or one of its own."""
    for text in texts:
        if (named := class_named_in(text)) is not None:
            return colour_of(named)
    hue = zlib.crc32(id_.encode()) / 2**32
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.5, 0.7))
    return red, green, blue


def background_colour(text: str) -> Colour:
    """Return the colour of what no region covers: of the class that its prompt names, or none."""
    named = class_named_in(text)
    return _NOTHING if named is None else colour_of(named)


def segment_picture(seen: SeenTriangles, segments: Segments) -> Colours:
    """Return a picture of the segments, (H, W, 3).

    A thing that is no region has the colour of the class that its name names, or the background's.
    """
    picture = np.empty((*seen.triangles.shape, 3), dtype=np.uint8)
    picture[:] = segments.background
    for rectangle, colour in segments.rectangles:
        top, bottom, left, right = rectangle.bounds
        picture[top:bottom, left:right] = colour
    names = {obj.session_uid: obj.name for obj in bpy.data.objects}

    def shown_as(owner: bpy.types.Object, piece: Piece) -> Colour:
        own = segments.colours.get(segments.number_of(owner, piece))
        if own is not None:
            return own
        for name in (names.get(piece.shown, ""), owner.name):
            if (named := class_named_in(name)) is not None:
                return colour_of(named)
        return segments.background

    own = [shown_as(owner, piece) for owner, piece in seen.pieces]
    if own:
        shown = seen.is_seen
        owners = seen.owners[seen.triangles[shown]]
        picture[shown] = np.array(own, dtype=np.uint8)[owners]
    return picture
