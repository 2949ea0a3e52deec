"""How much a job asks of a network, in numbers that another job's time can be told from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .again import changed_bounds
from .base_pass import base_share, base_size, has_base
from .cuts import RING_CONTEXT_PX, SHIFTING, TURNS, cut, ring_spans
from .geometry import Rectangle, pieces
from .job import Job, Region
from .references import ReferencePicture


def denoised_cells(job: Job, stride_px: int, *, changed: Sequence[Rectangle] | None = None) -> int:
    """Return how many latent cells the network sees in a whole job, each pass and step counted.

    Where windows overlap, their cells count for each; guidance counts as a second pass, the base
    pass at the steps that it has a part in, and pictures that the network is shown. Of a job that
    keeps an earlier picture, windows count that touch what is made anew: `changed`, where that is
    known better than the job says.
    """
    changed = changed_bounds(job) if changed is None else changed
    height, width = job.canvas_height, job.canvas_width
    if changed is not None:
        changed = [piece for one in changed for piece in pieces(one, height, width)]
    largest = job.max_region_px and max(job.max_region_px // stride_px, 1)
    cells = 0
    for region in job.text_regions:
        if region.mask_weight <= 0:
            continue
        passes = 1 if region.guidance_scale == 1.0 else 2
        shown = _shown_cells(region.references_in(job), stride_px)
        turns = range(TURNS) if region.windows_in(job) == SHIFTING else [None]
        seen = sum(
            window.height_px * window.width_px // stride_px**2 + shown
            for turn in turns
            for window in _windows(job, region, stride_px, largest, turn)
            if changed is None
            or any(
                part.row_init < one.row_end
                and part.row_end > one.row_init
                and part.col_init < one.col_end
                and part.col_end > one.col_init
                for part in pieces(window, height, width)
                for one in changed
            )
        )
        cells += passes * seen // len(turns)
    return cells * job.num_inference_steps + _base_cells(job, stride_px)


def _shown_cells(references: Sequence[ReferencePicture], stride_px: int) -> int:
    """Return how many cells a pass sees of reference pictures, on average over the steps.

    Those that name no IP-Adapter are shown to the network itself.
    """
    steps = sum(max(one.end - one.start, 0.0) for one in references if one.model is None)
    return round(steps * SHOWN_TOKENS) * (TOKEN_PX // stride_px) ** 2


def _base_cells(job: Job, stride_px: int) -> int:
    steps = job.num_inference_steps
    looks = sum(base_share(job, index, steps) > 0 for index in range(steps))
    height, width = (
        _ring_px(side, None) if wraps else side
        for side, wraps in zip(base_size(job, stride_px), job.wrapped, strict=True)
    )
    passes = 1 if job.base_guidance_scale == 1.0 else 2
    return looks * passes * (height // stride_px) * (width // stride_px)


TOKEN_PX = 16
"""The side of what a transformer sees as one token."""
SHOWN_TOKENS = 4096
"""Of a reference picture that a network is shown: a megapixel's, the most that it gets to see."""


def largest_tokens(job: Job) -> int:
    """Return how many tokens the largest window of a job has."""

    def tokens(region: Region) -> int:
        return math.prod(max(side // TOKEN_PX, 1) for side in largest_sides(job, region))

    return max(map(tokens, job.text_regions), default=1)


def largest_sides(job: Job, region: Region) -> tuple[int, int]:
    """Return height and width in pixels of a region's largest window, or a little more."""
    most = job.max_region_px or math.inf
    height, width = (
        _ring_px(side, job.max_region_px) if is_ring else int(min(side, most))
        for side, is_ring in _sides(job, region)
    )
    return height, width


def _sides(job: Job, region: Region) -> list[tuple[int, bool]]:
    """Return height and width of a region in pixels, each with whether it goes all around."""
    return list(zip((region.height_px, region.width_px), job.around(region), strict=True))


def _ring_px(length_px: int, largest_px: int | None) -> int:
    """Return the length of the windows of what goes all around the canvas."""
    spans_px = ring_spans(length_px, largest_px, RING_CONTEXT_PX)
    return max(end - start for start, end in spans_px)


def base_tokens(job: Job, grid_px: int, most_px: int | None = None) -> int:
    """Return how many tokens the base pass sees, 0 where a job has none."""
    if not has_base(job):
        return 0
    sides = (
        _ring_px(side, None) if wraps else side
        for side, wraps in zip(base_size(job, grid_px, most_px), job.wrapped, strict=True)
    )
    return math.prod(side // TOKEN_PX for side in sides)


def _windows(
    job: Job, region: Region, stride_px: int, largest: int | None, turn: int | None
) -> list[Rectangle]:
    """Return the windows that a region is generated in, each at most so many cells a side.

    In a turn where they shift.
    """
    rows, columns = (
        cut(
            side // stride_px,
            largest,
            RING_CONTEXT_PX // stride_px,
            is_ring=is_ring,
            turn=turn,
        )
        for side, is_ring in _sides(job, region)
    )
    return [
        Rectangle(
            row_init=region.row_init + top * stride_px,
            row_end=region.row_init + bottom * stride_px,
            col_init=region.col_init + left * stride_px,
            col_end=region.col_init + right * stride_px,
        )
        for top, bottom in rows
        for left, right in columns
    ]
