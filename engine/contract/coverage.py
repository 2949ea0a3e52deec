"""How much of a canvas a set of rectangles covers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .job import Rectangle


def uncovered_share(height_px: int, width_px: int, rectangles: Sequence[Rectangle]) -> float:
    """Return the share of the canvas that no rectangle covers, from 0 to 1."""
    edges = sorted(
        {0, height_px, *(r.row_init for r in rectangles), *(r.row_end for r in rectangles)}
    )
    edges = [edge for edge in edges if 0 <= edge <= height_px]
    covered = 0
    for top, bottom in pairwise(edges):
        spans = sorted(
            (max(r.col_init, 0), min(r.col_end, width_px))
            for r in rectangles
            if r.row_init <= top and r.row_end >= bottom
        )
        reached = 0
        for start, end in spans:
            covered += max(0, end - max(start, reached)) * (bottom - top)
            reached = max(reached, end)
    return 1 - covered / (height_px * width_px)
