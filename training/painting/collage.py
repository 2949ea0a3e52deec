"""Collages: two to four pictures on one canvas, with hard and with soft borders."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

MAX_PARTS = 4


def _borders(parts: int, length_px: int, rng: np.random.Generator) -> list[float]:
    gaps = rng.uniform(0.6, 1.4, parts)
    return [float(b) for b in (np.cumsum(gaps) / gaps.sum() * length_px)[:-1]]


def collage(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Set pictures side by side, over each other or in quarters.

    Shapes: pictures (P, 3, H, W) with P of 2 to 4; the result is (3, H, W).
    """
    parts, _, height_px, width_px = pictures.shape
    softness_px = 0.5 if rng.random() < 0.5 else float(rng.uniform(4.0, 40.0))
    if parts == MAX_PARTS:
        top = _join(pictures[0], pictures[1], 2, _borders(2, width_px, rng)[0], softness_px)
        below = _join(pictures[2], pictures[3], 2, _borders(2, width_px, rng)[0], softness_px)
        return _join(top, below, 1, _borders(2, height_px, rng)[0], softness_px)
    axis = int(rng.integers(1, 3))
    result = pictures[0]
    length_px = height_px if axis == 1 else width_px
    for picture, border_px in zip(pictures[1:], _borders(parts, length_px, rng), strict=True):
        result = _join(result, picture, axis, border_px, softness_px)
    return result


def _join(first: Tensor, second: Tensor, axis: int, border_px: float, softness_px: float) -> Tensor:
    position = torch.arange(first.shape[axis], device=first.device, dtype=torch.float32)
    weight = ((position - border_px) / softness_px + 0.5).clamp(0.0, 1.0)
    weight = weight[:, None] if axis == 1 else weight[None, :]
    return first + (second - first) * weight
