"""Rectangles: the share of a canvas that they leave, and spans that cover a length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.geometry import Rectangle, pieces, ring_spans, spans, uncovered_share
from tests.contract.jobs import places


@given(st.lists(places(), max_size=6))
def test_it_is_what_counting_gives(found: list[dict[str, int]]) -> None:
    rectangles = [Rectangle(**place) for place in found]
    canvas = np.zeros((512, 512), dtype=bool)
    for r in rectangles:
        canvas[r.row_init : r.row_end, r.col_init : r.col_end] = True
    assert uncovered_share(512, 512, rectangles) == pytest.approx(1 - canvas.mean())


@given(st.integers(1, 2000), st.integers(1, 200))
def test_spans_cover_a_length_from_end_to_end(length: int, largest: int) -> None:
    found = spans(length, largest)
    assert found[0][0] == 0
    assert found[-1][1] == length
    assert all(0 < end - start <= largest for start, end in found)
    assert all(before[1] >= after[0] for before, after in pairwise(found))


@given(st.integers(8, 2000), st.integers(8, 200))
def test_neighbours_share_from_a_third_to_about_half_a_span(length: int, largest: int) -> None:
    found = spans(length, largest)
    for (_, end), (start, next_end) in pairwise(found):
        size = next_end - start
        assert size / 3 <= end - start <= size / 2 + 1.5


@given(st.integers(8, 2000), st.integers(8, 200))
def test_no_smaller_number_of_spans_would_share_enough(length: int, largest: int) -> None:
    count = len(spans(length, largest))
    reach = largest + (count - 2) * (largest - -(-largest // 3))  # of one span fewer
    assert count == 1 or reach < length


@given(st.integers(8, 2000), st.none() | st.integers(8, 200), st.integers(0, 8))
def test_spans_of_a_ring_join_where_it_closes(
    length: int, largest: int | None, context: int
) -> None:
    found = ring_spans(length, largest, context)
    if largest is None or length <= largest:
        assert found == [(-context, length + context)]
        return
    assert all(0 < end - start <= largest for start, end in found)
    around = [*found, (found[0][0] + length, found[0][1] + length)]
    for (_, end), (start, next_end) in pairwise(around):
        assert (next_end - start) / 3 - 1 <= end - start <= (next_end - start) / 2 + 2


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
