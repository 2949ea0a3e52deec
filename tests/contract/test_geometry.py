"""Rectangles: the share of a canvas that they leave, and spans that cover a length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.geometry import Rectangle, spans, uncovered_share
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
