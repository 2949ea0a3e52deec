"""What is to be drawn of a job: where each region lies, and how its weight falls off."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ...contract import Image2ImageRegion, Job, Text2ImageRegion, profile
from ...job.regions.background import BACKGROUND_ID
from ...job.regions.projection import Floats
from .boxes import Colour

IMAGE_COLOUR: Colour = (1.0, 1.0, 1.0)
REROLL_COLOUR: Colour = (1.0, 0.78, 0.0)
GRID = 15  # points across a region: as many as make a falloff look smooth
_GOLDEN = 0.618034


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionShape:
    """A region's rectangle of the canvas, and how it looks."""

    id: str
    label: str
    left: float
    right: float
    bottom: float
    top: float
    """Shares of the frame, from 0 to 1, counted from its lower left corner."""
    falloff: Floats | None
    """Weights over the rectangle, 1 at the most, (GRID, GRID) from its lower left corner; None
    where they are the same everywhere."""
    silhouette: Floats | None = None
    """What it covers of the rectangle's parts, (n, m) from its lower left corner, from 0 to 1; None
    where it covers all of it."""
    weight: float
    """Compared with the heaviest region's: 1 at the most."""
    colour: Colour


def text_colour(index: int) -> Colour:
    """Return the colour of a text region, the same as in the engine's `explain`."""
    return colorsys.hsv_to_rgb((0.58 + index * _GOLDEN) % 1, 0.75, 1.0)


def shapes_of(
    job: Job,
    masks: Mapping[str, Floats],
    own_weights: Mapping[str, float],
    silhouettes: Mapping[str, Floats] = MappingProxyType({}),
) -> list[RegionShape]:
    """Return what is to be drawn of a job, in the order in which it is sent.

    `masks` has what the masks of regions cover, by the regions' ids, from their upper left corner;
    `own_weights` the weights that people gave them, `silhouettes` what is seen of those that have
    one, as the masks.
    """
    shapes = []
    heaviest = max((region.mask_weight for region in job.text_regions), default=0.0) or 1.0
    number = 0
    for region in job.all_regions:
        weight, falloff = 0.0, None
        match region:
            case Text2ImageRegion():
                colour, number = text_colour(number), number + 1
                if region.id != BACKGROUND_ID:  # which would tint the whole view
                    weight = region.mask_weight / heaviest
                falloff = _falloff(region, job, masks.get(region.id))
                own = own_weights.get(region.id, 1.0)
                label = region.name if own == 1 else f"{region.name} · {own:g}"
            case Image2ImageRegion():
                colour = IMAGE_COLOUR
                label = f"{region.name} · {region.strength:.0%}"
            case _:
                colour, label = REROLL_COLOUR, f"{region.name} · reroll"
        shape = RegionShape(
            id=region.id,
            label=label,
            left=region.col_init / job.canvas_width,
            right=region.col_end / job.canvas_width,
            bottom=1 - region.row_end / job.canvas_height,
            top=1 - region.row_init / job.canvas_height,
            falloff=falloff,
            weight=weight,
            colour=colour,
        )
        if region.id in silhouettes:
            shape = _seen_of(shape, silhouettes[region.id])
        shapes += [part for column in _at_edge(shape, 1) for part in _at_edge(column, 0)]
    return shapes


def _at_edge(shape: RegionShape, axis: int) -> list[RegionShape]:
    """Return a region's shape in one part, or in two where it goes over the canvas's edge.

    Along its rows (0) it may lie below the lower edge, along its columns (1) beyond the right one.
    """
    if axis == 1 and shape.right > 1:
        share = (1 - shape.left) / (shape.right - shape.left)
        first = _cut(shape, axis, 0.0, share)
        rest = _cut(shape, axis, share, 1.0)
        return [replace(first, right=1.0), replace(rest, left=0.0, right=shape.right - 1)]
    if axis == 0 and shape.bottom < 0:
        share = -shape.bottom / (shape.top - shape.bottom)
        first = _cut(shape, axis, share, 1.0)
        rest = _cut(shape, axis, 0.0, share)
        return [replace(first, bottom=0.0), replace(rest, bottom=1 + shape.bottom, top=1.0)]
    return [shape]


def _cut(shape: RegionShape, axis: int, start: float, end: float) -> RegionShape:
    """Return a shape with a part of its falloff and silhouette, from and to shares of an axis."""
    falloff, silhouette = shape.falloff, shape.silhouette
    if falloff is not None:
        places = np.linspace(start, end, GRID) * (GRID - 1)
        below = np.minimum(places.astype(int), GRID - 2)
        share = (places - below).reshape((-1, 1) if axis == 0 else (1, -1))
        falloff = falloff.take(below, axis) * (1 - share) + falloff.take(below + 1, axis) * share
    if silhouette is not None:
        size = silhouette.shape[axis]
        first, last = round(start * size), round(end * size)
        silhouette = silhouette.take(np.arange(first, max(last, first + 1)).clip(0, size - 1), axis)
    return replace(shape, falloff=falloff, silhouette=silhouette)


def _seen_of(shape: RegionShape, silhouette: Floats) -> RegionShape:
    """Return a region's shape with a silhouette over its rectangle, cut down to what it covers."""
    coverage = silhouette[::-1]
    is_covered = coverage > 0
    (bottom, top), (left, right) = (
        (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 1)
        for found in (np.flatnonzero(is_covered.any(axis=axis)) for axis in (1, 0))
    )
    high, wide = coverage.shape
    width, height = shape.right - shape.left, shape.top - shape.bottom
    return replace(
        shape,
        left=shape.left + width * left / wide,
        right=shape.left + width * right / wide,
        bottom=shape.bottom + height * bottom / high,
        top=shape.bottom + height * top / high,
        silhouette=coverage[bottom:top, left:right],
    )


def _falloff(region: Text2ImageRegion, job: Job, mask: Floats | None) -> Floats | None:
    if mask is None and region.mask_type == "constant":
        return None
    rows, columns = (
        np.array(profile(region.mask_type, GRID, region.feather_px / side * GRID))
        for side in (region.height_px, region.width_px)
    )
    weights = np.outer(rows / rows.max(), columns / columns.max())
    return weights if mask is None else weights * _mask_within(region, job, mask)[::-1]


def _mask_within(region: Text2ImageRegion, job: Job, mask: Floats) -> Floats:
    """Return a mask at the points of a region's grid, (GRID, GRID) from its upper left corner."""
    top, bottom, left, right = 0.0, 1.0, 0.0, 1.0
    if region.mask_area == "canvas":
        top, bottom = (side / job.canvas_height for side in region.bounds[:2])
        left, right = (side / job.canvas_width for side in region.bounds[2:])
    rows, columns = (
        np.linspace(start, end, GRID) * (size - 1)
        for start, end, size in ((top, bottom, mask.shape[0]), (left, right, mask.shape[1]))
    )
    return mask[np.ix_(np.rint(rows).astype(int), np.rint(columns).astype(int))]
