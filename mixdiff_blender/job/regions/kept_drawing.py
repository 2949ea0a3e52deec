"""What a camera sees, drawn anew only as far as it has changed: while one thing of many moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .pieces import Piece
from .projection import CameraView, Floats, Ints
from .sphere import Buffer, depth_buffer

_POINTS_AT_ONCE = 2**17

_Key = tuple[Any, ...]
_Pieces = Mapping[_Key, tuple[int, Piece]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Last:
    """What was drawn last: all of it by its keys, and what of it had stood still before."""

    camera: _Key
    pieces: _Pieces
    still: _Pieces
    buffer: Buffer
    """Of what stood still."""


_last: _Last | None = None


def drawn(
    view: CameraView, size: tuple[int, int], shown: Iterable[tuple[int, Sequence[Piece]]]
) -> Buffer:
    """Return a drawing of pieces, each of which has the number beside it.

    Shapes: size is the height and width in samples.
    """
    global _last
    pieces = {
        key_of_piece(number, piece): (number, piece) for number, some in shown for piece in some
    }
    camera = (*size, *key_of_view(view))
    last = _last if _last is not None and _last.camera == camera else None
    if last is not None and last.still and last.still.keys() <= pieces.keys():
        still, buffer = last.still, last.buffer
    else:
        before: _Pieces = last.pieces if last is not None else {}
        still = {key: value for key, value in pieces.items() if key in before}
        buffer = depth_buffer(view, *size)
        _draw(buffer, still.values())
    _last = _Last(camera=camera, pieces=pieces, still=still, buffer=buffer)
    if len(still) == len(pieces):
        return buffer
    whole = buffer.copy()
    _draw(whole, (value for key, value in pieces.items() if key not in still))
    return whole


def drawn_anew(
    view: CameraView, size: tuple[int, int], shown: Iterable[tuple[int, Sequence[Piece]]]
) -> Buffer:
    """Return a drawing of pieces of which nothing is kept, nor taken from what is."""
    buffer = depth_buffer(view, *size)
    _draw(buffer, ((number, piece) for number, some in shown for piece in some))
    return buffer


def key_of_piece(number: int, piece: Piece) -> _Key:
    """Return what tells a piece from others; its arrays are kept, and never changed."""
    return number, id(piece.points), id(piece.triangles), piece.matrices.tobytes()


def key_of_view(view: CameraView) -> _Key:
    """Return what tells a camera's view from others."""
    sides = (view.left, view.right, view.bottom, view.top, view.near, view.far)
    return (*sides, view.is_perspective, view.is_panorama, view.world_to_camera.tobytes())


def _draw(buffer: Buffer, pieces: Iterable[tuple[int, Piece]]) -> None:
    for points, triangles, numbers in _batches(pieces):
        buffer.draw(points, triangles, numbers)


def _batches(pieces: Iterable[tuple[int, Piece]]) -> Iterator[tuple[Floats, Ints, Ints]]:
    """Return points, triangles and the triangles' numbers, many at once."""
    points: list[Floats] = []
    triangles: list[Ints] = []
    numbers: list[Ints] = []
    count = 0
    for number, some, corners in (
        (number, *part) for number, piece in pieces for part in piece.parts()
    ):
        points.append(some)
        triangles.append(corners + np.int32(count))
        numbers.append(np.full(len(corners), number, dtype=np.int32))
        count += len(some)
        if count >= _POINTS_AT_ONCE:
            yield np.concatenate(points), np.concatenate(triangles), np.concatenate(numbers)
            points, triangles, numbers, count = [], [], [], 0
    if points:
        yield np.concatenate(points), np.concatenate(triangles), np.concatenate(numbers)


def _after_load(*_: Any) -> None:
    unregister()


def unregister() -> None:
    """Forget what was drawn."""
    global _last
    _last = None


HANDLERS = {"load_post": _after_load}
