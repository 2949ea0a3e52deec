"""A canvas of latents made smaller and larger again, so that white noise stays white."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Scaling:
    """The low frequencies of a canvas (…, H, W), as a smaller canvas (…, h, w).

    Both ways keep lengths: standard normal noise is standard normal noise on the smaller canvas
    too, independent from cell to cell, which neither means nor interpolation leave it; a picture
    is `factor` times as strong there.
    """

    rows: Tensor
    columns: Tensor

    @classmethod
    def between(cls, canvas: Tensor, height: int, width: int) -> Scaling:
        """Return the scaling from a canvas to one of so many cells, no more than its own."""
        full_height, full_width = canvas.shape[-2:]
        return cls(
            rows=_low(height, full_height).to(canvas), columns=_low(width, full_width).to(canvas)
        )

    @property
    def factor(self) -> float:
        """How much stronger a picture is on the smaller canvas."""
        return math.sqrt(
            self.rows.shape[1] * self.columns.shape[1] / self.rows.shape[0] / self.columns.shape[0]
        )

    def down(self, canvas: Tensor) -> Tensor:
        """Return the low frequencies of a canvas: (…, H, W) to (…, h, w)."""
        return self.rows @ canvas @ self.columns.T

    def up(self, small: Tensor) -> Tensor:
        """Return a canvas of these low frequencies and no others: (…, h, w) to (…, H, W)."""
        return self.rows.T @ small @ self.columns


def _low(few: int, many: int) -> Tensor:
    """Return what takes the lowest of many cells' frequencies to as few cells, (few, many)."""
    return _cosines(few).T @ _cosines(many)[:few]


def _cosines(count: int) -> Tensor:
    """Return the orthonormal cosine transform (DCT-II) of so many cells, (count, count)."""
    cells = torch.arange(count, dtype=torch.float64)
    waves = torch.cos(math.pi / count * cells[:, None] * (cells + 0.5)) * math.sqrt(2 / count)
    waves[0] /= math.sqrt(2)
    return waves
