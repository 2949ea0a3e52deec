"""What the projection's material shows at points of a surface: the same formulas, in numpy.

Letters in shapes: F points, T triangles, H W of a picture, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...job.regions.projection import Floats, Ints
from ..projection_nodes import AROUND, CLOSE, FLAT, MARGIN, TURNED

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

_NO_LENGTH = 1e-30
_STEPS = np.linspace(0.0, 1.0, 2**16)
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenPicture:
    """A picture as a layer of an object's projection has it."""

    colours: Bytes
    """(H, W, 3), as they stand in its file, the lowest row first."""
    rows: Floats
    """(4, 4): across, up, depth, and where the camera stands."""
    depths: NDArray[np.float32] | None
    """How far its camera saw, (h, w), the lowest row first."""
    sides: NDArray[np.int8]
    """Which side of each triangle it saw: 1 front, -1 back, 0 the one towards it; (T,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Points of a surface. Shapes: (3, F), but (F,) of triangles."""

    places: Floats
    """In the object's space."""
    smooth: Floats
    """Which way they face in the world as they are shaded, of any length."""
    flat: Floats
    """Which way their triangles face in the world, of length 1."""
    triangles: Ints


def colours_at(
    pictures: Sequence[SeenPicture], points: Points, axes: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return linear colours, how much of each is seen, and how much it is turned to a camera.

    Shapes: axes (3, 3), from the object's space to the world → (3, F), (F,), (F,).
    """
    count = points.places.shape[1]
    colours, seen = np.zeros((3, count)), np.zeros(count)
    turned = np.zeros(count)
    smooth = _unit(points.smooth)
    cosine = _dot(smooth, points.flat)
    sine = np.sqrt(np.maximum(FLAT - cosine * cosine, 0.0))
    for number, picture in enumerate(pictures):
        place, is_here, facing = _seen_by(picture, points, axes, smooth, sine)
        shown = _linear(_sampled(picture.colours, place))
        here = is_here.astype(np.float64)
        turned = np.maximum(turned, here * np.clip(facing, 0.0, 1.0))
        if number:
            share = np.clip(facing / TURNED, 0.0, 1.0)
            whole = share * share * (3 - 2 * share)
            share = here * (1 - (1 - whole) * seen)
            shown = colours + share * (shown - colours)
        colours, seen = shown, np.maximum(seen, here)
    return colours, seen, turned


def _seen_by(
    picture: SeenPicture, points: Points, axes: Floats, smooth: Floats, sine: Floats
) -> tuple[Floats, Bools, Floats]:
    """Return places in a picture, (2, F), whether its camera saw them, and the cosine to it."""
    *_, is_point = camera = picture.rows[3]
    across, up, depth = (_dot(row, points.places) + row[3] for row in picture.rows[:3])
    w = (depth - 1) * is_point + 1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        place = np.stack([across, up]) / w
    is_here = depth > 0
    for value in place:
        is_here &= np.abs(value - 0.5) <= 0.5 + MARGIN
    place = np.where(is_here, place, 0.0)
    local = camera[:3, None] - points.places * is_point
    towards = _unit(np.stack([_dot(axis, local) for axis in axes]))
    sides = picture.sides[points.triangles]
    turn = np.where(sides != 0, sides, np.where(_dot(points.flat, towards) < 0, -1, 1))
    facing = _dot(smooth, towards) * turn
    is_here &= facing + sine > 0
    if picture.depths is not None:
        is_here &= depth < nearest_around(picture.depths, place) * CLOSE
    return place, is_here, facing


def _dot(one: Floats, two: Floats) -> Floats:
    """Return products of vectors, whose three numbers are along the first axis."""
    found: Floats = one[0] * two[0] + one[1] * two[1] + one[2] * two[2]
    return found


def _unit(vectors: Floats) -> Floats:
    found: Floats = vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), _NO_LENGTH)
    return found


def nearest_around(depths: NDArray[np.float32], place: Floats) -> Floats:
    """Return a depth picture's values, which reaches a little beyond the frame; (2, F) → (F,)."""
    height, width = depths.shape
    u, v = (place + AROUND) / (1 + 2 * AROUND)
    columns = np.clip((u * width).astype(np.intp), 0, width - 1)
    rows = np.clip((v * height).astype(np.intp), 0, height - 1)
    found: Floats = depths[rows, columns].astype(np.float64)
    return found


def _sampled(colours: Bytes, place: Floats) -> Floats:
    """Return a picture's values between its pixels, from 0 to 1; (2, F) → (3, F)."""
    height, width, _ = colours.shape
    x, y = place[0] * width - 0.5, place[1] * height - 0.5
    left, low = np.floor(x), np.floor(y)
    columns = [np.clip(left + k, 0, width - 1).astype(np.intp) for k in (0, 1)]
    rows = [np.clip(low + k, 0, height - 1).astype(np.intp) for k in (0, 1)]
    right, upper = x - left, y - low
    below = colours[rows[0], columns[0]].T * (1 - right) + colours[rows[0], columns[1]].T * right
    above = colours[rows[1], columns[0]].T * (1 - right) + colours[rows[1], columns[1]].T * right
    found: Floats = (below * (1 - upper) + above * upper) / 255
    return found


def _linear(values: Floats) -> Floats:
    """Return sRGB's values as linear light; IEC 61966-2-1."""
    steps = (values * (len(_LINEAR) - 1) + 0.5).astype(np.intp)
    found: Floats = _LINEAR[steps]  # far quicker than a power for each
    return found


def encoded(values: Floats) -> Floats:
    """Return linear light, from 0 to 1, as sRGB's values."""
    values = np.clip(values, 0.0, 1.0)
    found: Floats = np.where(
        values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055
    )
    return found
