"""The base pass written a second time: frequencies by scipy, pictures and noise one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.fft import dctn, idctn
from torch import Tensor

Document = Mapping[str, Any]


def beta_at(job: Document, index: int, steps: int) -> float:
    """Return β at a step."""
    strength, end = job.get("base_strength", 0.0), job.get("base_end", 0.5)
    return float(strength * max(0.0, (end - index / steps) / end))


def base_sides(job: Document, grid: int) -> tuple[int, int]:
    """Return the sides in pixels at which the whole canvas is looked at."""
    height, width = job["canvas_height"], job["canvas_width"]
    most = job.get("max_region_px")
    if most is None or height * width <= most**2:
        return height, width
    scale = most / math.sqrt(height * width)
    return round(height * scale / grid) * grid, round(width * scale / grid) * grid


def shrunk(canvas: Tensor, height: int, width: int) -> Tensor:
    """Return the lowest frequencies of a canvas as a smaller one."""
    found = dctn(canvas.double().numpy(), axes=(2, 3), norm="ortho")[..., :height, :width]
    return torch.from_numpy(idctn(found, axes=(2, 3), norm="ortho"))


def grown(small: Tensor, height: int, width: int) -> Tensor:
    """Return a canvas with the frequencies of a smaller one."""
    low = dctn(small.double().numpy(), axes=(2, 3), norm="ortho")
    found = np.zeros((*low.shape[:2], height, width))
    found[..., : low.shape[2], : low.shape[3]] = low
    return torch.from_numpy(idctn(found, axes=(2, 3), norm="ortho"))


def mixed_with_base(
    mixed: Tensor,
    canvas: Tensor,
    cells: tuple[int, int],
    beta: float,
    predicted: Callable[[Tensor, float], tuple[Tensor, Tensor]],
    of: Callable[[Tensor, Tensor], Tensor],
    strengths: tuple[float, float],
) -> Tensor:
    """Return (1 − β) · mixed + β · base, where a smaller base pass is of low frequencies alone.

    `canvas` is `strengths` times picture and noise. `predicted` takes a smaller canvas of unit
    noise, and its noise for each part of the picture, and returns picture and noise; `of` makes a
    prediction of them.
    """
    height, width = canvas.shape[2:]
    factor = math.sqrt(height * width / (cells[0] * cells[1]))
    picture, noise = predicted(
        shrunk(canvas, *cells) / strengths[1], strengths[1] / strengths[0] / factor
    )
    base = grown(of(factor * picture, noise), height, width)
    high = mixed - grown(shrunk(mixed, *cells), height, width)
    return ((1 - beta) * mixed + beta * (base + high)).float()
