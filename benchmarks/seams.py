"""How sharp the border between two regions is, against the insides of the regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.generation import Bytes, Painter, row_of

OVERLAP_PX = 32
REGION_PX = 128
MARGIN_PX = 12


def column_energy(picture: Bytes) -> NDArray[np.float64]:
    """Mean squared step between neighbouring columns, one value for each pair of columns."""
    values = picture.astype(np.float64) / 255.0
    return np.asarray(np.square(np.diff(values, axis=1)).mean((0, 2)))


def overlap_columns(index: int, region_px: int = REGION_PX, overlap_px: int = OVERLAP_PX) -> slice:
    """Give the columns where region `index` of a row and the next one overlap."""
    stop = index * (region_px - overlap_px) + region_px
    return slice(stop - overlap_px, stop)


def inner_columns(
    count: int, region_px: int = REGION_PX, overlap_px: int = OVERLAP_PX
) -> NDArray[np.bool_]:
    """Mark the columns that are away from every overlap and from the canvas's ends."""
    width = (region_px - overlap_px) * (count - 1) + region_px
    inside = np.ones(width - 1, bool)
    inside[:MARGIN_PX] = inside[-MARGIN_PX:] = False
    for index in range(count - 1):
        border = overlap_columns(index, region_px, overlap_px)
        inside[max(0, border.start - MARGIN_PX) : border.stop + MARGIN_PX] = False
    return inside


def same_prompt_ratio(
    pictures: Sequence[Bytes],
    count: int = 2,
    region_px: int = REGION_PX,
    overlap_px: int = OVERLAP_PX,
) -> float:
    """Mean gradient energy in the overlap over that of the interiors, over all pictures."""
    across, inside = list[float](), list[float]()
    for picture in pictures:
        energy = column_energy(picture)
        across += [
            float(energy[overlap_columns(i, region_px, overlap_px)].mean())
            for i in range(count - 1)
        ]
        inside.append(float(energy[inner_columns(count, region_px, overlap_px)].mean()))
    return float(np.mean(across) / np.mean(inside))


def worst_step_ratio(
    picture: Bytes, count: int = 2, region_px: int = REGION_PX, overlap_px: int = OVERLAP_PX
) -> float:
    """Strongest column step in the overlaps over the strongest in the interiors.

    At most 1 says that no step between unlike concepts is sharper than their own edges.
    """
    energy = np.sqrt(column_energy(picture))
    across = max(
        float(energy[overlap_columns(i, region_px, overlap_px)].max()) for i in range(count - 1)
    )
    return across / float(energy[inner_columns(count, region_px, overlap_px)].max())


def paint_pairs(
    painter: Painter, pairs: Sequence[tuple[str, str]], seed: int, mask_type: str = "gaussian"
) -> list[Bytes]:
    """Paint two neighbouring regions for each pair of prompts."""
    made = []
    for index, pair in enumerate(pairs):
        patches, width = row_of(pair, overlap_px=OVERLAP_PX, mask_type=mask_type)
        made.append(painter.mixture(patches, REGION_PX, width, seed + index))
    return made
