"""Region weights on the latent grid: a falloff, times what a mask picture covers; numpy alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from engine.contract.geometry import NO_AXES, Axes, Rectangle
from engine.contract.job import Job, MaskedRegion, Text2ImageRegion
from engine.contract.masks import profile

Weights = npt.NDArray[np.float64]
_S = TypeVar("_S", bound=np.generic)
MaskImages = Mapping[str, npt.NDArray[np.float32]]
"""Mask pictures by the names that a job gives them: (H, W) each, from 0 to 1."""


def falloff_weights(region: Text2ImageRegion, stride_px: int, around: Axes = NO_AXES) -> Weights:
    """Return the weight of a region at each of its latent cells, without its mask.

    Along an axis on which it goes `around` the canvas it weighs everywhere what it else does in
    its middle.

    Shapes: (h, w) of the region.
    """
    feather = region.feather_px / stride_px
    rows, columns = (
        np.array(profile(region.mask_type, side // stride_px, feather))
        for side in (region.height_px, region.width_px)
    )
    if around.rows:
        rows = np.full_like(rows, rows.max())
    if around.columns:
        columns = np.full_like(columns, columns.max())
    return np.outer(rows, columns) * region.mask_weight


def mask_coverage(
    image: npt.NDArray[np.float32], region: MaskedRegion, job: Job, stride_px: int
) -> Weights:
    """Return how much of each of a region's latent cells its mask covers: the mean of its pixels.

    Shapes: (h, w) of the region, from 0 to 1.
    """
    canvas = Rectangle(row_init=0, row_end=job.canvas_height, col_init=0, col_end=job.canvas_width)
    area = canvas if region.mask_area == "canvas" else region
    cells = cell_means(image, area.height_px // stride_px, area.width_px // stride_px)
    if area is canvas:
        top, bottom, left, right = (side // stride_px for side in region.bounds)
        cells = around_edges(cells, (top, bottom, left, right))
    return cells


def around_edges(cells: npt.NDArray[_S], bounds: tuple[int, int, int, int]) -> npt.NDArray[_S]:
    """Return a part of a canvas's cells, which may go on beyond its edges.

    `bounds` are top, bottom, left and right.
    """
    top, bottom, left, right = bounds
    height, width = cells.shape
    if min(top, left) >= 0 and bottom <= height and right <= width:
        return cells[top:bottom, left:right]
    return cells[_places(top, bottom, left, right, cells.shape)]


def _places(
    top: int, bottom: int, left: int, right: int, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], ...]:
    return np.ix_(np.arange(top, bottom) % shape[0], np.arange(left, right) % shape[1])


def cell_means(image: npt.NDArray[np.float32], height: int, width: int) -> Weights:
    """Return the means of a mask's pixels in so many cells, laid over all of it.

    Shapes: (H, W) to (h, w), from 0 to 1.
    """
    down, across = (
        _averages(cells, pixels) for cells, pixels in zip((height, width), image.shape, strict=True)
    )
    return np.clip((down @ image @ across.T).astype(np.float64), 0.0, 1.0)


def _averages(cells: int, pixels: int) -> npt.NDArray[np.float32]:
    """Return what turns a line of pixels into the means of so many cells laid over it.

    Shapes: (cells, pixels).
    """
    edges = np.linspace(0, pixels, cells + 1)
    starts = np.maximum(edges[:-1, None], np.arange(pixels))
    ends = np.minimum(edges[1:, None], np.arange(1, pixels + 1))
    shares = np.maximum(ends - starts, 0) * cells / pixels
    averages: npt.NDArray[np.float32] = shares.astype(np.float32)
    return averages


def region_weights(
    region: Text2ImageRegion, job: Job, stride_px: int, masks: MaskImages
) -> Weights:
    """Return the weight of a region at each of its latent cells.

    Shapes: (h, w) of the region.
    """
    weights = falloff_weights(region, stride_px, job.around(region))
    if region.mask is None:
        return weights
    return weights * mask_coverage(masks[region.mask], region, job, stride_px)


def canvas_weights(
    region: Text2ImageRegion, job: Job, stride_px: int, masks: MaskImages
) -> Weights:
    """Return the weight of a region at each latent cell of the canvas.

    Shapes: (h, w) of the canvas.
    """
    return on_canvas(region_weights(region, job, stride_px, masks), region, job, stride_px)


def on_canvas(values: Weights, region: Rectangle, job: Job, stride_px: int) -> Weights:
    """Return the canvas with values in the cells of a region, and nothing elsewhere.

    Shapes: (h, w) of the region to (h, w) of the canvas.
    """
    canvas = np.zeros((job.canvas_height // stride_px, job.canvas_width // stride_px))
    top, bottom, left, right = (side // stride_px for side in region.bounds)
    canvas[_places(top, bottom, left, right, canvas.shape)] = values
    return canvas
