"""The share of a canvas that nothing covers, against counting pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.coverage import uncovered_share
from engine.contract.job import Rectangle
from tests.contract.jobs import places


@given(st.lists(places(), max_size=6))
def test_it_is_what_counting_gives(found: list[dict[str, int]]) -> None:
    rectangles = [Rectangle(**place) for place in found]
    canvas = np.zeros((512, 512), dtype=bool)
    for r in rectangles:
        canvas[r.row_init : r.row_end, r.col_init : r.col_end] = True
    assert uncovered_share(512, 512, rectangles) == pytest.approx(1 - canvas.mean())
