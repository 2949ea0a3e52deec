"""A job on a smaller canvas: a quick look at what it will give."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

from .errors import EngineError
from .job import Job, Region, Text2ImageRegion

_R = TypeVar("_R", bound=Region)


def smaller(job: Job, scale: float, grid_px: int) -> Job:
    """Return a job whose canvas and regions are smaller, in the same proportions on the grid.

    What touched goes on touching, and every region keeps at least a cell of the grid. Masks and
    controls stay the pictures that they are: they are laid over whatever size. The longest side of
    a window stays the model's. The noise is the smaller canvas's own, so a seed means another
    picture there.

    Raises: EngineError of kind `job` where a picture has to be as large as the canvas.
    """
    for name in ("kept", "second_pass", "noise_map"):
        if getattr(job, name) is None:
            continue
        raise EngineError(
            f"{name} names a picture that goes with the canvas as large as it is",
            kind="job",
            advice=f"leave {name} out",
        )
    height, width = (
        min(max(round(side * scale / grid_px), 1) * grid_px, side)
        for side in (job.canvas_height, job.canvas_width)
    )

    def placed(region: _R) -> _R:
        rows = _span(region.row_init, region.row_end, job.canvas_height, height, grid_px)
        columns = _span(region.col_init, region.col_end, job.canvas_width, width, grid_px)
        found = replace(
            region, row_init=rows[0], row_end=rows[1], col_init=columns[0], col_end=columns[1]
        )
        if isinstance(found, Text2ImageRegion) and found.mask_type == "feather":
            return replace(found, feather_px=round(found.feather_px * scale))
        return found

    return replace(
        job,
        canvas_height=height,
        canvas_width=width,
        regions=tuple(placed(region) for region in job.regions),
        reroll_regions=tuple(placed(region) for region in job.reroll_regions),
    )


def _span(start: int, end: int, side: int, new_side: int, grid_px: int) -> tuple[int, int]:
    """Return where a part of a side lies on a shorter one, on the grid; around it, if it wraps."""
    cells, share = new_side // grid_px, new_side / side / grid_px
    # Not `round`, which rounds halves to what is even: a part as long as the side stays so.
    first, last = (math.floor(place * share + 0.5) for place in (start, end))
    if first == last:  # too thin to be there: the cell that its middle is in
        first = math.floor((start + end) / 2 * share)
        last = first + 1
    beyond = first // cells * cells
    return (first - beyond) * grid_px, (last - beyond) * grid_px
