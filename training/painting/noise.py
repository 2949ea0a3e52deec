"""Seeded noise fields and cell patterns, all on a canvas of H by W pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]


def smoothstep(low: float, high: float, values: Field) -> Field:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def pixel_grid(height_px: int, width_px: int) -> tuple[Field, Field]:
    """Give the row and column coordinate of every pixel."""
    y = np.arange(height_px, dtype=np.float32)[:, None] * np.ones((1, width_px), np.float32)
    x = np.arange(width_px, dtype=np.float32)[None, :] * np.ones((height_px, 1), np.float32)
    return y, x


def _interpolation(length_px: int, cell_px: float, phase: float) -> tuple[Field, int]:
    positions = np.arange(length_px, dtype=np.float32) / cell_px + phase
    base = np.floor(positions).astype(int)
    t = positions - base
    t = t * t * (3.0 - 2.0 * t)
    count = int(base.max()) + 2
    matrix = np.zeros((length_px, count), np.float32)
    rows = np.arange(length_px)
    matrix[rows, base] = 1.0 - t
    matrix[rows, base + 1] = t
    return matrix, count


def value_noise(
    rng: np.random.Generator, height_px: int, width_px: int, cell_y_px: float, cell_x_px: float
) -> Field:
    """Interpolate random values in [-1, 1] that stand `cell` pixels apart."""
    rows, row_count = _interpolation(height_px, cell_y_px, float(rng.random()))
    columns, column_count = _interpolation(width_px, cell_x_px, float(rng.random()))
    grid = rng.uniform(-1.0, 1.0, (row_count, column_count)).astype(np.float32)
    return rows @ grid @ columns.T


def fractal_noise(
    rng: np.random.Generator,
    height_px: int,
    width_px: int,
    cell_y_px: float,
    cell_x_px: float,
    octaves: int = 3,
) -> Field:
    """Sum octaves of value noise, each half as large and half as strong as the one before."""
    total = np.zeros((height_px, width_px), np.float32)
    strength, norm = 1.0, 0.0
    for octave in range(octaves):
        shrink = 2.0**octave
        total += strength * value_noise(
            rng, height_px, width_px, cell_y_px / shrink, cell_x_px / shrink
        )
        norm += strength
        strength *= 0.5
    return total / np.float32(norm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A jittered lattice seen from every pixel: its nearest and second nearest point.

    Units: distances in cells (1 is the lattice spacing).
    """

    nearest: Field
    second: Field
    identity: Field
    identity_2: Field
    offset_y: Field
    offset_x: Field


def cells(
    rng: np.random.Generator,
    y: Field,
    x: Field,
    cell_y_px: float,
    cell_x_px: float,
    jitter: float = 0.8,
) -> Cells:
    """Find each pixel's nearest points on a jittered lattice (Worley's cellular noise)."""
    v, u = y / cell_y_px, x / cell_x_px
    v = v - np.floor(v.min())
    u = u - np.floor(u.min())
    base_v = np.floor(v).astype(np.int32)
    base_u = np.floor(u).astype(np.int32)
    shape = (int(base_v.max()) + 3, int(base_u.max()) + 3)
    points = rng.random((4, *shape)).astype(np.float32)
    nearest = np.full(v.shape, 9.0, np.float32)
    second = nearest.copy()
    identity, identity_2 = np.zeros_like(v), np.zeros_like(v)
    offset_y, offset_x = np.zeros_like(v), np.zeros_like(v)
    for dv in (0, 1, 2):
        for du in (0, 1, 2):
            row, column = base_v + dv, base_u + du
            index = row * shape[1] + column
            to_y = v - (row - 0.5 + jitter * (points[0].ravel()[index] - 0.5))
            to_x = u - (column - 0.5 + jitter * (points[1].ravel()[index] - 0.5))
            distance = np.sqrt(to_y * to_y + to_x * to_x)
            closer = distance < nearest
            second = np.where(closer, nearest, np.minimum(second, distance))
            nearest = np.where(closer, distance, nearest)
            identity = np.where(closer, points[2].ravel()[index], identity)
            identity_2 = np.where(closer, points[3].ravel()[index], identity_2)
            offset_y = np.where(closer, to_y, offset_y)
            offset_x = np.where(closer, to_x, offset_x)
    return Cells(
        nearest=nearest,
        second=second,
        identity=identity,
        identity_2=identity_2,
        offset_y=offset_y,
        offset_x=offset_x,
    )


def lattice_values(rng: np.random.Generator, row: Field, column: Field) -> Field:
    """Give every lattice cell, named by its integer row and column, a random value in [0, 1)."""
    r = (row - row.min()).astype(np.int32)
    c = (column - column.min()).astype(np.int32)
    table = rng.random((int(r.max()) + 1, int(c.max()) + 1)).astype(np.float32)
    return table[r, c]
