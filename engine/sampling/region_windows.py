"""In which windows text regions are generated, and what is left bare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.contract.checks import gap_warning
from engine.contract.errors import Problem, warning
from engine.contract.geometry import RING_CONTEXT_PX, Axes, ring_spans, spans
from engine.contract.job import Job
from engine.contract.masks import profile
from engine.runtime.batching import RegionWindow
from engine.runtime.windows import Window, window_of
from engine.sampling.masks import MaskImages, Weights, around_edges, region_weights

_JOINT_FALLOFF = "feather"  # of a window that overlaps with itself
_WINDOW_FALLOFF = "quartic"  # whose windows, half a window apart, add up to nearly the same


def region_windows(
    job: Job, stride_px: int, masks: MaskImages, *, patch: int = 1
) -> list[RegionWindow]:
    """Return where the text regions of a job are generated, and with which weights.

    A region is one window, unless a side is longer than the job's `max_region_px`: then it is
    several that overlap, whose weights add up to the region's. Where a region goes all around a
    canvas that wraps, its windows overlap there too, a single one with itself. A window in which
    a region weighs nothing is left out. Windows begin and end between patches of so many cells.
    """
    found = []
    largest = job.max_region_px and job.max_region_px // stride_px
    for index, region in enumerate(job.text_regions):
        weights = region_weights(region, job, stride_px, masks)
        whole, around = window_of(region, job, stride_px), job.around(region)
        parts = [(whole, weights)]
        if any(around) or (largest and max(weights.shape) > largest):
            cut = _Cut(largest=largest, patch=patch, context=RING_CONTEXT_PX // stride_px)
            parts = cut.parts(whole, weights, around)
        found += [
            RegionWindow(region=index, window=window, weights=torch.from_numpy(part))
            for window, part in parts
            if part.any()
        ]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """How regions are cut into windows: of at most so many cells a side, None for any.

    `context` are the cells that a window sees beyond a ring's start and end.
    """

    largest: int | None
    patch: int
    context: int

    def parts(self, whole: Window, weights: Weights, around: Axes) -> list[tuple[Window, Weights]]:
        """Return overlapping windows of a region, each with its share of the region's weights."""
        rows, columns = (
            self._of_ring(side) if is_ring else self._of_line(side)
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

    def _of_line(self, length: int) -> list[tuple[int, int, Weights]]:
        """Return spans that cover a length, each with its share of every cell in it.

        Shapes: (cells of the span,).
        """
        if self.largest is None or length <= self.largest:
            return [(0, length, np.ones(length))]
        most = max(self.largest // self.patch, 1)
        return _with_shares(self._in_cells(spans(length // self.patch, most)), length)

    def _of_ring(self, length: int) -> list[tuple[int, int, Weights]]:
        """Return spans that cover a ring, each with its share of every cell in it.

        Shapes: (cells of the span,).
        """
        most = None if self.largest is None else max(self.largest // self.patch, 1)
        found = ring_spans(length // self.patch, most, self.context // self.patch)
        return _with_shares(self._in_cells(found), length)

    def _in_cells(self, found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(start * self.patch, end * self.patch) for start, end in found]


def _with_shares(found: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int, Weights]]:
    """Return spans with their shares of the cells, which start again beyond the length."""
    total, weights = np.zeros(length), []
    for start, end in found:
        joint = end - start - length  # what a window shares with itself
        falloff = _JOINT_FALLOFF if joint > 0 else _WINDOW_FALLOFF
        weights.append(np.array(profile(falloff, end - start, joint)))
        np.add.at(total, np.arange(start, end) % length, weights[-1])
    return [
        (start, end, own / total[np.arange(start, end) % length])
        for (start, end), own in zip(found, weights, strict=True)
    ]


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
