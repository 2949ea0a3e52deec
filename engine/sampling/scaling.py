"""A canvas of latents made smaller and larger again, so that white noise stays white."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.contract.geometry import NO_AXES, Axes


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
    def between(cls, canvas: Tensor, height: int, width: int, wrapped: Axes = NO_AXES) -> Scaling:
        """Return the scaling from a canvas to one of so many cells, no more than its own.

        Along axes that are `wrapped` the frequencies are those of what goes around.
        """
        full_height, full_width = canvas.shape[-2:]
        rows = (_low_of_ring if wrapped.rows else _low)(height, full_height)
        columns = (_low_of_ring if wrapped.columns else _low)(width, full_width)
        return cls(rows=rows.to(canvas), columns=columns.to(canvas))

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


def _low_of_ring(few: int, many: int) -> Tensor:
    """Return what takes a ring's lowest frequencies to one of as few cells, (few, many)."""
    return _waves_of_ring(few, few).T @ _waves_of_ring(many, few)


def _waves_of_ring(cells: int, count: int) -> Tensor:
    """Return the lowest waves of an orthonormal Fourier transform of a ring, (count, cells)."""
    angles = 2 * math.pi / cells * (torch.arange(cells, dtype=torch.float64) + 0.5)
    waves = torch.empty((count, cells), dtype=torch.float64)
    for row in range(count):
        frequency = (row + 1) // 2
        # The highest of an even number has its cosine's zeros in the middles of the cells.
        is_sine = row and (row % 2 == 0 or row == count - 1)
        waves[row] = (torch.sin if is_sine else torch.cos)(frequency * angles)
    lengths: Tensor = waves.norm(dim=1, keepdim=True)
    return waves / lengths


def _cosines(count: int) -> Tensor:
    """Return the orthonormal cosine transform (DCT-II) of so many cells, (count, count)."""
    cells = torch.arange(count, dtype=torch.float64)
    waves = torch.cos(math.pi / count * cells[:, None] * (cells + 0.5)) * math.sqrt(2 / count)
    waves[0] /= math.sqrt(2)
    return waves
