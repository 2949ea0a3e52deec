"""Where regions count beside those that they overlap: all that needs to be generated of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.contract.job import Job
from engine.runtime.windows import Window
from engine.sampling.masks import Weights

_LEAST_SHARE = 0.05  # of what weighs most: less would hardly be seen
_LEAST_CELLS = 32  # that a network has to see to make out anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What is needed of a region, in its own cells: a part of it, and which cells count there."""

    bounds: tuple[int, int, int, int]
    """Top, bottom, left and right; empty where nothing is."""
    counts: npt.NDArray[np.bool_]
    """(h, w) of the region."""


def needed_of(
    job: Job,
    windows: Sequence[Window],
    weights: Sequence[Weights],
    *,
    stride_px: int,
    patch: int,
) -> list[Needed]:
    """Return what is needed of each text region, whose windows and weights are given.

    Whatever weighs most at a cell counts there, so that none of the canvas is left without one.
    A part is as large as half of the job's `max_region_px` at least, or as its region; along an
    axis on which a region goes all around it is all of it. Sides lie between patches.
    """
    height, width = job.canvas_height // stride_px, job.canvas_width // stride_px
    most = torch.zeros((height, width), dtype=torch.float64)
    for window, own in zip(windows, weights, strict=True):
        window.put_(most, torch.maximum(window.take(most), torch.from_numpy(own)))
    least = _LEAST_CELLS if job.max_region_px is None else job.max_region_px // stride_px // 2
    found = []
    for region, window, own in zip(job.text_regions, windows, weights, strict=True):
        counts = (own > 0) & (own >= _LEAST_SHARE * window.take(most).numpy())
        lines = [np.asarray(counts.any(axis=axis)) for axis in (1, 0)]
        rows, columns = (
            (0, len(line)) if is_ring else _around(line, least, patch)
            for line, is_ring in zip(lines, job.around(region), strict=True)
        )
        found.append(Needed(bounds=(*rows, *columns), counts=counts))
    return found


def _around(line: npt.NDArray[np.bool_], least: int, patch: int) -> tuple[int, int]:
    """Return the start and the end of what holds all that counts, and is not too small."""
    (at,) = line.nonzero()
    if not at.size:
        return 0, 0
    start, end = int(at[0]) // patch * patch, -(-(int(at[-1]) + 1) // patch) * patch
    missing = max(min(least, len(line)) - (end - start), 0)
    start = max(start - -(-missing // 2 // patch) * patch, 0)
    end = min(max(end, start + least // patch * patch), len(line))
    start = max(min(start, end - least // patch * patch), 0)
    return start, end
