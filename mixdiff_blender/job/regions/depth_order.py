"""Nearer beats farther: the weights of regions that fill their place, where they overlap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ...contract import Image2ImageRegion, Rectangle, Text2ImageRegion, pieces
from .projection import Canvas

RATIO = 20.0
"""How much more a region weighs than what it stands before: its soft edge ends where they meet."""

_FILLS_ITS_PLACE = "feather"
_SAME_DEPTH = 1e-3

_R = TypeVar("_R", Text2ImageRegion, Image2ImageRegion)


def nearer_first(
    regions: Sequence[Text2ImageRegion | Image2ImageRegion],
    far: Mapping[str, float],
    canvas: Canvas,
    silhouettes: Collection[str] = (),
) -> tuple[list[Text2ImageRegion | Image2ImageRegion], float]:
    """Return the regions with weights by depth, and the least share that one was left with.

    `far` has, by a region's id, how far from the camera the last of it is: what reaches less far
    stands before what it overlaps, as a house before its ground. Soft regions, which are made to
    mix, keep their weights. `silhouettes` are the ids of regions that cover what is seen of them:
    depth has parted these from each other already.
    """
    ordered = [
        region
        for region in regions
        if isinstance(region, Text2ImageRegion)
        and (region.mask_type == _FILLS_ITS_PLACE or region.id in silhouettes)
        and region.id in far
    ]
    ordered.sort(key=lambda region: -far[region.id])
    levels: dict[str, int] = {}
    for region in ordered:
        behind = (
            levels[other.id]
            for other in ordered
            if other.id in levels
            and not (region.id in silhouettes and other.id in silhouettes)
            and _is_before(region, other, far, canvas)
        )
        levels[region.id] = 1 + max(behind, default=-1)
    highest = max(levels.values(), default=0)
    shares = {id_: RATIO ** (level - highest) for id_, level in levels.items()}
    weighted = [
        replace(region, mask_weight=region.mask_weight * shares[region.id])
        if isinstance(region, Text2ImageRegion) and region.id in shares
        else region
        for region in regions
    ]
    return weighted, min(shares.values(), default=1.0)


def _is_before(
    region: Text2ImageRegion, other: Text2ImageRegion, far: Mapping[str, float], canvas: Canvas
) -> bool:
    is_nearer = far[region.id] < far[other.id] * (1 - _SAME_DEPTH)
    return is_nearer and _overlap(region, other, canvas)


def _overlap(one: Rectangle, other: Rectangle, canvas: Canvas) -> bool:
    ours, others = (pieces(each, canvas.height_px, canvas.width_px) for each in (one, other))
    return any(
        part.row_init < met.row_end
        and met.row_init < part.row_end
        and part.col_init < met.col_end
        and met.col_init < part.col_end
        for part in ours
        for met in others
    )
