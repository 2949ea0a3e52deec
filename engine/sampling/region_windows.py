"""In which windows text regions are generated, and what is left bare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.contract.checks import gap_warning
from engine.contract.errors import Problem, warning
from engine.contract.geometry import spans
from engine.contract.job import Job
from engine.contract.masks import profile
from engine.runtime.batching import RegionWindow
from engine.runtime.windows import Window
from engine.sampling.masks import MaskImages, Weights, region_weights

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
        whole = Window.of(region, stride_px)
        parts = [(whole, weights)]
        if largest and max(weights.shape) > largest:
            parts = _cut(whole, weights, largest, patch)
        found += [
            RegionWindow(region=index, window=window, weights=torch.from_numpy(part))
            for window, part in parts
            if part.any()
        ]
    return found


def _cut(whole: Window, weights: Weights, largest: int, patch: int) -> list[tuple[Window, Weights]]:
    """Return overlapping windows of a region, each at most so many cells wide and high."""
    rows, columns = (_shares(side, largest, patch) for side in weights.shape)
    return [
        (
            Window(
                top=whole.top + top,
                bottom=whole.top + bottom,
                left=whole.left + left,
                right=whole.left + right,
            ),
            weights[top:bottom, left:right] * np.outer(down, across),
        )
        for top, bottom, down in rows
        for left, right, across in columns
    ]


def _shares(length: int, largest: int, patch: int) -> list[tuple[int, int, Weights]]:
    """Return spans that cover a length, start and end, each with its share of every cell in it.

    Shapes: (cells of the span,).
    """
    found = [
        (start * patch, end * patch, np.array(profile(_WINDOW_FALLOFF, (end - start) * patch)))
        for start, end in spans(length // patch, max(largest // patch, 1))
    ]
    total = np.zeros(length)
    for start, end, weights in found:
        total[start:end] += weights
    return [(start, end, weights / total[start:end]) for start, end, weights in found]


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
            covered = torch.from_numpy(bare)
            one.window.take(covered)[one.weights > 0] = False
        if share := float(bare.mean()):
            problems.append(warning("regions", f"{share:.4f}", *gap_warning(share)))
    return problems
