"""In which windows text regions are generated, and what is left bare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.contract.checks import gap_warning
from engine.contract.cuts import OVERLAPPING, RING_CONTEXT_PX, SHIFTING, TURNS, cut
from engine.contract.errors import Problem, warning
from engine.contract.geometry import Axes
from engine.contract.job import Job
from engine.contract.masks import profile
from engine.runtime.batching import RegionWindow
from engine.runtime.windows import window_of
from engine.sampling.masks import MaskImages, Weights, around_edges, region_weights
from engine.sampling.needed import Needed, needed_of

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

    With `trimmed` windows a region is generated where it counts alone, beside those that it
    overlaps; with `shifting` ones it has as many sets of windows as there are turns.
    """
    regions = job.text_regions
    weights = [region_weights(region, job, stride_px, masks) for region in regions]
    windows = [window_of(region, job, stride_px) for region in regions]
    kinds = [region.windows_in(job) for region in regions]
    needed: Sequence[Needed | None] = [None] * len(regions)
    if any(kind != OVERLAPPING for kind in kinds):
        needed = needed_of(job, windows, weights, stride_px=stride_px, patch=patch)
    largest = job.max_region_px and max(job.max_region_px // stride_px // patch, 1)
    cuts = _Cuts(largest=largest, patch=patch, context=RING_CONTEXT_PX // stride_px)
    found = []
    for index, (region, window, own, kind) in enumerate(
        zip(regions, windows, weights, kinds, strict=True)
    ):
        only = None if kind == OVERLAPPING else needed[index]
        for turn in range(TURNS) if kind == SHIFTING else [None]:
            found += [
                RegionWindow(
                    region=index,
                    window=window.part(*bounds),
                    weights=torch.from_numpy(part),
                    turn=turn,
                )
                for bounds, part in cuts.parts(own, job.around(region), only, turn)
            ]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cuts:
    """How regions are cut into windows: of at most so many patches a side, None for any.

    `context` are the cells that a window sees beyond a ring's start and end.
    """

    largest: int | None
    patch: int
    context: int

    def parts(
        self, weights: Weights, around: Axes, needed: Needed | None, turn: int | None
    ) -> Iterator[tuple[tuple[int, int, int, int], Weights]]:
        """Yield the windows of a region, each with its share of the region's weights.

        As top, bottom, left and right, counted from the region's own.
        """
        bounds = (0, weights.shape[0], 0, weights.shape[1]) if needed is None else needed.bounds
        counts = weights > 0 if needed is None else needed.counts
        (rows, columns), whole = around, weights.shape
        down = self._spans(bounds[0], bounds[1], whole[0], is_ring=rows, turn=turn)
        over = self._spans(bounds[2], bounds[3], whole[1], is_ring=columns, turn=turn)
        for top, bottom, own_rows in down:
            for left, right, own_columns in over:
                place = (top, bottom, left, right)
                if around_edges(counts, place).any():
                    part = around_edges(weights, place) * np.outer(own_rows, own_columns)
                    yield place, part

    def _spans(
        self, start: int, end: int, whole: int, *, is_ring: bool, turn: int | None
    ) -> list[tuple[int, int, Weights]]:
        """Return spans that cover a side from start to end, each with its share of its cells."""
        found = [
            (start + first * self.patch, start + last * self.patch)
            for first, last in cut(
                (end - start) // self.patch,
                self.largest,
                self.context // self.patch,
                is_ring=is_ring,
                turn=turn,
            )
        ]
        return _with_shares(found, whole)


def _with_shares(found: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int, Weights]]:
    """Return spans with their shares of the cells, which start again beyond the length."""
    if len(found) == 1 and found[0][1] - found[0][0] <= length:
        return [(*found[0], np.ones(found[0][1] - found[0][0]))]
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


def coverage_warnings(
    job: Job, windows: Sequence[RegionWindow], stride_px: int, masks: MaskImages
) -> list[Problem]:
    """Return which regions are not generated, and why, and what masks leave bare of the canvas."""
    problems = []
    generated = {one.region for one in windows}
    for index, region in enumerate(job.text_regions):
        if index in generated or region.mask_weight <= 0:
            continue
        name, message = "mask", "the mask covers nothing of the region, which is not generated"
        remedy = "make white what it should cover"
        if region_weights(region, job, stride_px, masks).any():
            name, message = "mask_weight", "nothing is seen of the region, which is not generated"
            remedy = "raise its weight, or move what is before it"
        value = str(getattr(region, name))
        problems.append(warning(name, value, message, remedy, region.name))
    if any(region.mask for region in job.text_regions):
        bare = np.ones((job.canvas_height // stride_px, job.canvas_width // stride_px), bool)
        for one in windows:
            left = torch.from_numpy(bare)
            one.window.put_(left, one.window.take(left) & (one.weights <= 0))
        if share := float(bare.mean()):
            problems.append(warning("regions", f"{share:.4f}", *gap_warning(share)))
    return problems
