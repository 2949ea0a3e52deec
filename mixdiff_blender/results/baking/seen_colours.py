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
    """Points of a surface, in its object's space. Shapes: (F, 3), but (F,) of triangles."""

    places: Floats
    normals: Floats
    """As they are shaded."""
    faces: Floats
    """As the triangles lie, by the turn of their corners."""
    triangles: Ints


def colours_at(
    pictures: Sequence[SeenPicture], points: Points, to_world: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return linear colours, how much of each is seen, and how much it is turned to a camera.

    Shapes: (F, 3), (F,), (F,).
    """
    count = len(points.places)
    colours, seen = np.zeros((count, 3)), np.zeros(count)
    turned = np.zeros(count)
    for number, picture in enumerate(pictures):
        place, is_here, facing = _seen_by(picture, points, to_world)
        shown = _linear(_sampled(picture.colours, place))
        here = is_here.astype(np.float64)
        turned = np.maximum(turned, here * np.clip(facing, 0.0, 1.0))
        if number:
            share = np.clip(facing / TURNED, 0.0, 1.0)
            whole = share * share * (3 - 2 * share)
            share = here * (1 - (1 - whole) * seen)
            shown = colours + share[:, None] * (shown - colours)
        colours, seen = shown, np.maximum(seen, here)
    return colours, seen, turned


def _seen_by(
    picture: SeenPicture, points: Points, to_world: Floats
) -> tuple[Floats, Bools, Floats]:
    """Return each point's place in a picture, whether its camera saw it, and the cosine to it."""
    across, up, depth = picture.rows[:3, :3] @ points.places.T + picture.rows[:3, 3:]
    camera, is_point = picture.rows[3, :3], picture.rows[3, 3]
    w = (depth - 1) * is_point + 1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        u, v = across / w, up / w
    is_here = depth > 0
    for value in (u, v):
        is_here &= np.abs(value - 0.5) <= 0.5 + MARGIN
    place = np.where(is_here[:, None], np.stack([u, v], axis=1), 0.0)
    towards = camera - points.places * is_point
    front = (points.faces * towards).sum(axis=1)
    sides = picture.sides[points.triangles]
    turn = np.where(sides != 0, sides, np.where(front < 0, -1, 1)).astype(np.float64)[:, None]
    facing, is_looked_at = _facing(points, towards, to_world, turn)
    is_here &= is_looked_at
    if picture.depths is not None:
        is_here &= depth < _nearest(picture.depths, place) * CLOSE
    return place, is_here, facing


def _facing(
    points: Points, towards: Floats, to_world: Floats, turn: Floats
) -> tuple[Floats, Bools]:
    """Return the cosine to the camera, and whether it looks at the side that `turn` says."""
    axes = to_world[:3, :3]
    # Normals turn by cofactors, which every matrix has; mirrored, they keep their side.
    cofactors = np.stack([np.cross(axes[k - 2], axes[k - 1]) for k in range(3)])
    cofactors *= -1.0 if np.linalg.det(axes) < 0 else 1.0
    to_camera = _unit(towards @ axes.T)
    smooth = _unit(points.normals @ cofactors.T) * turn
    flat = _unit(points.faces @ cofactors.T) * turn
    cosine = (smooth * flat).sum(axis=1)
    sine = np.sqrt(np.maximum(FLAT - cosine * cosine, 0.0))
    facing: Floats = (to_camera * smooth).sum(axis=1)
    return facing, facing + sine > 0


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Floats = vectors / np.maximum(lengths, _NO_LENGTH)
    return found


def _nearest(depths: NDArray[np.float32], place: Floats) -> Floats:
    """Return a depth picture's values, which reaches a little beyond the frame; (F, 2) → (F,)."""
    height, width = depths.shape
    u, v = ((place + AROUND) / (1 + 2 * AROUND)).T
    columns = np.clip(np.floor(u * width), 0, width - 1).astype(np.intp)
    rows = np.clip(np.floor(v * height), 0, height - 1).astype(np.intp)
    found: Floats = depths[rows, columns].astype(np.float64)
    return found


def _sampled(colours: Bytes, place: Floats) -> Floats:
    """Return a picture's values between its pixels, from 0 to 1; (F, 2) → (F, 3)."""
    height, width, _ = colours.shape
    x, y = place[:, 0] * width - 0.5, place[:, 1] * height - 0.5
    left, low = np.floor(x), np.floor(y)
    columns = [np.clip(left + k, 0, width - 1).astype(np.intp) for k in (0, 1)]
    rows = [np.clip(low + k, 0, height - 1).astype(np.intp) for k in (0, 1)]
    right, upper = (x - left)[:, None], (y - low)[:, None]
    below = colours[rows[0], columns[0]] * (1 - right) + colours[rows[0], columns[1]] * right
    above = colours[rows[1], columns[0]] * (1 - right) + colours[rows[1], columns[1]] * right
    found: Floats = (below * (1 - upper) + above * upper) / 255
    return found


def _linear(values: Floats) -> Floats:
    """Return sRGB's values as linear light; IEC 61966-2-1."""
    found: Floats = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return found


def encoded(values: Floats) -> Floats:
    """Return linear light, from 0 to 1, as sRGB's values."""
    values = np.clip(values, 0.0, 1.0)
    found: Floats = np.where(
        values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055
    )
    return found
