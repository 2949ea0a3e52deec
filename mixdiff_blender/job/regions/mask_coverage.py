"""What a region's mask covers, small enough to be drawn."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...storage.images import coverage_from_top, has_pixels

Coverage = NDArray[np.float64]

_MOST_POINTS = 64
_MOST_KEPT = 64
_kept: dict[int, tuple[object, Coverage]] = {}


def mask_coverage(image: bpy.types.Image) -> Coverage:
    """Return what a mask covers, from 0 to 1, at some of its pixels.

    It is looked at once a change, or each time while it is painted: nobody notifies of that.

    Shapes: (rows, columns), first row at the top.
    """
    if image.is_dirty:
        forget_coverage(image)
        return _read(image)
    key = _key(image)
    state = (image.name_full, tuple(image.size), image.filepath_raw)
    known = _kept.get(key)
    if known is None or known[0] != state:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        known = _kept[key] = (state, _read(image))
    return known[1]


def forget_coverage(image: bpy.types.Image) -> None:
    """Have a mask looked at again when it is wanted next."""
    _kept.pop(_key(image), None)


def _key(image: Any) -> int:
    key: int = image.original.session_uid
    return key


def _read(image: bpy.types.Image) -> Coverage:
    if not has_pixels(image):
        return np.zeros((1, 1))
    levels = coverage_from_top(image)
    rows, columns = (
        np.linspace(0, size - 1, min(size, _MOST_POINTS)).round().astype(int)
        for size in levels.shape
    )
    coverage: Coverage = levels[np.ix_(rows, columns)] / 255
    return coverage
