"""What of a picture is to change, as masks: what a lasso goes around, and what was painted over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import EngineError, Rectangle, atomic_write
from ..storage.images import png_of

Mask = NDArray[np.uint8]
"""(H, W), first row at the top: 255 is made anew, 0 stays."""

_NOISE = 3 / 255  # what painting and rounding may leave of a pixel that nobody meant
_FADED = (0.25, 0.5)  # black and white, painted on it, both are seen


def lasso_mask(
    points: Sequence[tuple[float, float]], size_px: tuple[int, int], soft_px: int
) -> Mask:
    """Return what a line goes around, closed from its end to its start, with a soft edge.

    Where it goes around twice it goes around nothing, as lassos do. The edge is `soft_px` wide,
    half of it inside.

    Shapes: points (x, y), shares of the picture from its upper left corner; size width and height.
    Raises: EngineError of kind `job` where it goes around nothing of the picture.
    """
    width, height = size_px
    corners = np.array(points, dtype=np.float64).reshape(-1, 2) * (width, height)
    inside = np.zeros((height, width), bool)
    if len(corners) > 2 and np.isfinite(corners).all():
        (x0, y0), (x1, y1) = corners.T, np.roll(corners, -1, axis=0).T
        columns = np.arange(width) + 0.5
        for row in range(height):
            crosses = (y0 <= row + 0.5) != (y1 <= row + 0.5)
            ends = (x0[crosses], y0[crosses], x1[crosses], y1[crosses])
            at = ends[0] + (row + 0.5 - ends[1]) * (ends[2] - ends[0]) / (ends[3] - ends[1])
            inside[row] = np.searchsorted(np.sort(at), columns) % 2 == 1
    if not inside.any():
        raise EngineError(
            "the lasso goes around nothing of the picture",
            kind="job",
            advice="drag around what should be made anew",
        )
    return np.rint(_softened(inside.astype(np.float32), soft_px) * 255).astype(np.uint8)


def _softened(values: NDArray[np.float32], soft_px: int) -> NDArray[np.float32]:
    """Return values with each the mean of a square around it, of that many pixels."""
    reach = soft_px // 2
    for axis in (0, 1):
        if not reach:
            continue
        pad = [(reach + 1, reach) if one == axis else (0, 0) for one in (0, 1)]
        sums = np.cumsum(np.pad(values, pad, mode="edge"), axis=axis, dtype=np.float64)
        side, length = 2 * reach + 1, values.shape[axis]
        upper = np.take(sums, range(side, side + length), axis=axis)
        lower = np.take(sums, range(length), axis=axis)
        values = ((upper - lower) / side).clip(0, 1).astype(np.float32)
    return values


def canvas_to_paint_on(name: str, picture: Path) -> bpy.types.Image:
    """Return a new image that shows a picture faded: what is painted on it is what changes.

    Raises: EngineError of kind `picture` where it cannot be read.
    """
    base = _faded(picture)
    height, width, _ = base.shape
    image: Any = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set(base[::-1].ravel())
    image.update()
    image.pack()
    return image  # type: ignore[no-any-return]


def painted_mask(image: bpy.types.Image, picture: Path) -> Mask:
    """Return what was painted on an image of `canvas_to_paint_on`, or erased from it.

    Raises: EngineError of kind `picture` where the picture cannot be read, or nothing is painted.
    """
    base = _faded(picture)
    if tuple(image.size) != base.shape[1::-1]:
        raise EngineError(
            f"the mask {image.name!r} has {image.size[0]} × {image.size[1]} pixels, its picture "
            f"{base.shape[1]} × {base.shape[0]}",
            kind="picture",
            advice="paint a new mask (Paint Mask)",
        )
    painted = np.abs(_values(image) - base).max(axis=2) > _NOISE
    if not painted.any():
        raise EngineError(
            "nothing is painted on the mask",
            kind="picture",
            advice="paint over what should be made anew, black or white",
        )
    return np.where(painted, 255, 0).astype(np.uint8)


def bounds_of(mask: Mask) -> Rectangle:
    """Return the rectangle outside of which a mask is black."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return Rectangle(
        row_init=int(rows[0]),
        row_end=int(rows[-1]) + 1,
        col_init=int(columns[0]),
        col_end=int(columns[-1]) + 1,
    )


def write_change(mask: Mask, path: Path) -> None:
    """Write a mask as a PNG.

    Raises: EngineError of kind `output`.
    """
    with atomic_write(path) as file:
        file.write(png_of(np.repeat(mask[..., None], 3, axis=2)))


def _faded(picture: Path) -> NDArray[np.float32]:
    """Return a picture's values without its darks and lights, opaque, (H, W, 4), from the top."""
    try:
        image = bpy.data.images.load(str(picture))
    except RuntimeError as error:
        raise EngineError(
            f"the picture {picture} cannot be read: {str(error).strip()}",
            kind="picture",
            advice="put it back, or choose another result",
        ) from error
    try:
        values: NDArray[np.float32] = np.rint(
            (_values(image) * _FADED[1] + _FADED[0]) * 255
        ).astype(np.float32)
    finally:
        bpy.data.images.remove(image)
    values /= 255
    values[..., 3] = 1
    return values


def _values(image: Any) -> NDArray[np.float32]:
    """Return an image's values, (H, W, 4), the top row first."""
    width, height = image.size
    values = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(height, width, 4)[::-1]
