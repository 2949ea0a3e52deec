"""In which windows text regions are generated, and what is left bare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.contract.checks import gap_warning
from engine.contract.errors import Problem, warning
from engine.contract.geometry import Axes, ring_spans, spans
from engine.contract.job import Job
from engine.contract.masks import profile
from engine.runtime.batching import RegionWindow
from engine.runtime.windows import Window, window_of
from engine.sampling.masks import MaskImages, Weights, around_edges, region_weights

_WINDOW_FALLOFF = "quartic"  # whose windows, half a window apart, add up to nearly the same


def region_windows(
    job: Job, stride_px: int, masks: MaskImages, *, patch: int = 1
) -> list[RegionWindow]:
    """Return where the text regions of a job are generated, and with which weights.

    A region is one window, unless a side is longer than the job's `max_region_px`: then it is
    several that overlap, whose weights add up to the region's. A window in which a region weighs
    nothing is left out. Windows begin and end between patches of so many cells a side.
    """
    found = []
    largest = job.max_region_px and job.max_region_px // stride_px
    for index, region in enumerate(job.text_regions):
        weights = region_weights(region, job, stride_px, masks)
        whole = window_of(region, job, stride_px, patch=patch)
        parts = [(whole, weights)]
        if largest and max(weights.shape) > largest:
            parts = _cut(whole, weights, largest, patch, job.around(region))
        found += [
            RegionWindow(region=index, window=window, weights=torch.from_numpy(part))
            for window, part in parts
            if part.any()
        ]
    return found


def _cut(
    whole: Window, weights: Weights, largest: int, patch: int, around: Axes
) -> list[tuple[Window, Weights]]:
    """Return overlapping windows of a region, each at most so many cells wide and high."""
    rows, columns = (
        _shares(side, largest, patch, is_ring=is_ring)
        for side, is_ring in zip(weights.shape, around, strict=True)
    )
    return [
        (
            whole.part(top, bottom, left, right),
            around_edges(weights, (top, bottom, left, right)) * np.outer(down, across),
        )
        for top, bottom, down in rows
        for left, right, across in columns
    ]


def _shares(
    length: int, largest: int, patch: int, *, is_ring: bool
) -> list[tuple[int, int, Weights]]:
    """Return spans that cover a length, start and end, each with its share of every cell in it.

    What is all that covers a ring has no edge.

    Shapes: (cells of the span,).
    """
    found = [
        (start * patch, end * patch)
        for start, end in (ring_spans if is_ring else spans)(
            length // patch, max(largest // patch, 1)
        )
    ]
    if is_ring and len(found) == 1:
        return [(0, length, np.ones(length))]
    total, shares = np.zeros(length), []
    for start, end in found:
        weights = np.array(profile(_WINDOW_FALLOFF, end - start))
        cells = np.arange(start, end) % length
        total[cells] += weights
        shares.append((start, end, cells, weights))
    return [(start, end, weights / total[cells]) for start, end, cells, weights in shares]


def coverage_warnings(job: Job, windows: Sequence[RegionWindow], stride_px: int) -> list[Problem]:
    """Return what masks leave bare: regions without any weight, and parts of the canvas."""
    problems = []
    generated = {one.region for one in windows}
    for index, region in enumerate(job.text_regions):
        if index not in generated and region.mask_weight > 0:
            message = "the mask covers nothing of the region, which is not generated"
            remedy = "make white what it should cover"
            problems.append(warning("mask", str(region.mask), message, remedy, region.name))
    if any(region.mask for region in job.text_regions):
        bare = np.ones((job.canvas_height // stride_px, job.canvas_width // stride_px), bool)
        for one in windows:
            left = torch.from_numpy(bare)
            one.window.put_(left, one.window.take(left) & (one.weights <= 0))
        if share := float(bare.mean()):
            problems.append(warning("regions", f"{share:.4f}", *gap_warning(share)))
    return problems
