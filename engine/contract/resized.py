"""A job on a canvas of another size: everything in the same proportions, on a model's grid."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

from .errors import EngineError
from .job import Job, Region, Text2ImageRegion

_R = TypeVar("_R", bound=Region)


def scaled_size(job: Job, scale: float, grid_px: int) -> tuple[int, int]:
    """Return the height and the width of a job's canvas at a scale, on a model's grid.

    Raises: EngineError of kind `job` where the scale is none.
    """
    if not 0 < scale < math.inf:
        message = f"scale: {scale} times as large is no size"
        raise EngineError(message, kind="job", advice="give a number above 0")
    height, width = (
        max(round(side * scale / grid_px), 1) * grid_px
        for side in (job.canvas_height, job.canvas_width)
    )
    return height, width


def resized(job: Job, size_px: tuple[int, int], grid_px: int) -> Job:
    """Return a job whose canvas is of a height and a width, on the grid, and its regions with it.

    What touched goes on touching, and every region keeps at least a cell of the grid. Masks and
    controls stay the pictures that they are: they are laid over whatever size.
    """
    height, width = size_px
    soft = math.sqrt(height * width / (job.canvas_height * job.canvas_width))

    def placed(region: _R) -> _R:
        top, bottom = _span(region.row_init, region.row_end, job.canvas_height, height, grid_px)
        left, right = _span(region.col_init, region.col_end, job.canvas_width, width, grid_px)
        found = replace(region, row_init=top, row_end=bottom, col_init=left, col_end=right)
        if isinstance(found, Text2ImageRegion) and found.mask_type == "feather":
            return replace(found, feather_px=round(found.feather_px * soft))
        return found

    return replace(
        job,
        canvas_height=height,
        canvas_width=width,
        regions=tuple(map(placed, job.regions)),
        reroll_regions=tuple(map(placed, job.reroll_regions)),
    )


def _span(start: int, end: int, side: int, new_side: int, grid_px: int) -> tuple[int, int]:
    """Return where a part of a side lies on another one, on the grid; around it, if it wraps."""
    cells, share = new_side // grid_px, new_side / side / grid_px
    # Not `round`, which rounds halves to what is even: a part as long as the side stays so.
    first, last = (math.floor(place * share + 0.5) for place in (start, end))
    if first == last:  # too thin to be there: the cell that its middle is in
        first = math.floor((start + end) / 2 * share)
        last = first + 1
    beyond = first // cells * cells
    return (first - beyond) * grid_px, (last - beyond) * grid_px
