"""Regions larger than a model paints well, as overlapping tiles with the same prompt."""

from __future__ import annotations

import math
from dataclasses import replace

from .job import Rectangle, RerollRegion, Text2ImageRegion

TILE_MASK = "quartic"  # whose tiles, half a tile apart, add up to nearly the same everywhere
LEAST_TILE_CELLS = 8

_LEAST_OVERLAP = 1 / 3  # of a tile
_GAUSSIAN_VARIANCE = 0.01  # of engine.masks, in sides of the region


def spans(length: int, largest: int) -> list[tuple[int, int]]:
    """Return the fewest spans that cover a length, each at most `largest` long, evenly spread.

    Neighbours share at least a third of a span and about half of one at most.

    Units: cells.
    """
    if length <= largest:
        return [(0, length)]
    shared = min(math.ceil(largest * _LEAST_OVERLAP), largest - 1)
    count = math.ceil((length - shared) / (largest - shared))
    size = min(largest, math.ceil(2 * length / (count + 1)))  # half of which two would share
    starts = [round(index * (length - size) / (count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]


def tiles(rectangle: Rectangle, largest_px: int, stride_px: int) -> list[Rectangle]:
    """Return the tiles that cover a rectangle, each at most `largest_px` wide and high."""
    largest = max(LEAST_TILE_CELLS, largest_px // stride_px)
    rows = spans(rectangle.height_px // stride_px, largest)
    columns = spans(rectangle.width_px // stride_px, largest)
    return [
        Rectangle(
            row_init=rectangle.row_init + top * stride_px,
            row_end=rectangle.row_init + bottom * stride_px,
            col_init=rectangle.col_init + left * stride_px,
            col_end=rectangle.col_init + right * stride_px,
        )
        for top, bottom in rows
        for left, right in columns
    ]


def split(
    region: Text2ImageRegion, largest_px: int, stride_px: int
) -> tuple[list[Text2ImageRegion], list[RerollRegion]]:
    """Return a region as tiles, and what adds the region's own noise to the start.

    A region of at most `largest_px` is returned as it is. The tiles of a larger one all have the
    mask `TILE_MASK`; the weight of each is the region's, times the region's mask at the tile's
    middle, so that their sum follows the region's mask. The region's own noise (`noise_eps`) is
    drawn once over the whole region from its seed, exactly as without tiles: as a reroll region of
    mode epsilon. Tiles have no seed of their own, and use none.
    """
    parts = tiles(region, largest_px, stride_px)
    if len(parts) == 1:
        return [region], []
    painted = [
        replace(
            region,
            row_init=part.row_init,
            row_end=part.row_end,
            col_init=part.col_init,
            col_end=part.col_end,
            mask_type=TILE_MASK,
            mask_weight=region.mask_weight * _mask_at_middle(region, part),
            region_seed=None,
            noise_eps=0.0,
        )
        for part in parts
    ]
    if region.noise_eps == 0:
        return painted, []
    own_noise = RerollRegion(
        row_init=region.row_init,
        row_end=region.row_end,
        col_init=region.col_init,
        col_end=region.col_end,
        region_seed=region.region_seed,
        noise_eps=region.noise_eps,
        reroll_mode="epsilon",
    )
    return painted, [own_noise]


def _mask_at_middle(region: Text2ImageRegion, part: Rectangle) -> float:
    """Return the region's mask at the middle of one of its parts."""
    down = (part.row_init + part.row_end - region.row_init - region.row_end) / 2 / region.height_px
    right = (part.col_init + part.col_end - region.col_init - region.col_end) / 2 / region.width_px
    return _profile(region.mask_type, down) * _profile(region.mask_type, right)


def _profile(mask_type: str, offset: float) -> float:
    """Return a mask along one axis; the offset from the middle is in sides of the region."""
    if mask_type == "gaussian":
        scale = math.sqrt(2 * math.pi * _GAUSSIAN_VARIANCE)
        return math.exp(-(offset**2) / (2 * _GAUSSIAN_VARIANCE)) / scale
    if mask_type == "quartic":
        return 15 / 16 * (1 - (2 * offset) ** 2) ** 2
    return 1.0
