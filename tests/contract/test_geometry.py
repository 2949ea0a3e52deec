"""Rectangles: the share of a canvas that they leave, and spans that cover a length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.geometry import Rectangle, pieces, uncovered_share
from tests.contract.jobs import places


@given(st.lists(places(), max_size=6))
def test_it_is_what_counting_gives(found: list[dict[str, int]]) -> None:
    rectangles = [Rectangle(**place) for place in found]
    canvas = np.zeros((512, 512), dtype=bool)
    for r in rectangles:
        canvas[r.row_init : r.row_end, r.col_init : r.col_end] = True
    assert uncovered_share(512, 512, rectangles) == pytest.approx(1 - canvas.mean())


@given(st.integers(0, 63), st.integers(1, 64), st.integers(0, 63), st.integers(1, 64))
def test_pieces_cover_what_a_rectangle_does_on_a_canvas_that_wraps(
    top: int, height: int, left: int, width: int
) -> None:
    over = Rectangle(row_init=top, row_end=top + height, col_init=left, col_end=left + width)
    expected = np.zeros((64, 64), dtype=int)
    expected[np.ix_(np.arange(top, top + height) % 64, np.arange(left, left + width) % 64)] += 1
    found = np.zeros((64, 64), dtype=int)
    for piece in pieces(over, 64, 64):
        found[piece.row_init : piece.row_end, piece.col_init : piece.col_end] += 1
    assert np.array_equal(found, expected)
