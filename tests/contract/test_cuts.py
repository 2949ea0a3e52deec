from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.contract.cuts import TURNS, cut, ring_spans, spans
from engine.contract.families import DEFAULT_FAMILY
from engine.contract.job import Image2ImageRegion, Job, Text2ImageRegion
from engine.contract.models import ModelFacts


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


TURN = st.integers(0, TURNS - 1)


@given(st.integers(8, 2000), st.integers(8, 200), TURN)
def test_spans_that_shift_cover_a_length_with_little_overlap(
    length: int, largest: int, turn: int
) -> None:
    found = cut(length, largest, 0, turn=turn)
    assert (found[0][0], found[-1][1]) == (0, length)
    assert all(end - start <= largest for start, end in found)
    assert all(end - start >= min(length, largest / 2) for start, end in found)
    assert all(1 <= end - start <= largest / 16 + 3 for (_, end), (start, _) in pairwise(found))


@given(st.integers(8, 2000), st.none() | st.integers(8, 200), TURN)
def test_spans_of_a_ring_that_shift_are_alike_and_join_where_it_closes(
    length: int, largest: int | None, turn: int
) -> None:
    found = cut(length, largest, 0, is_ring=True, turn=turn)
    (size,) = {end - start for start, end in found}
    assert size <= (largest or length) or len(found) == 1
    around = [*found, (found[0][0] + length, found[0][1] + length)]
    assert all(1 <= end - start <= size / 8 + 3 for (_, end), (start, _) in pairwise(around))


@given(st.integers(65, 2000), st.booleans())
def test_no_place_is_a_cut_in_two_turns_running(length: int, is_ring: bool) -> None:
    turns = [
        {end for _, end in cut(length, 64, 0, is_ring=is_ring, turn=turn)} - {length}
        for turn in range(TURNS)
    ]
    for before, after in pairwise([*turns, turns[0]]):
        assert not before & after


def test_what_a_model_calls_patterns_lies_still() -> None:
    facts = replace(ModelFacts.of_family(DEFAULT_FAMILY), patterns=("brick wall",))
    place: dict[str, Any] = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    regions = (
        Text2ImageRegion(**place, prompt="an old Brick Wall"),
        Text2ImageRegion(**place, prompt="grass"),
        Text2ImageRegion(**place, prompt="a brick wall", windows="overlapping"),
        Image2ImageRegion(**place, reference_image="a.png"),
    )
    job = Job(canvas_height=64, canvas_width=64, regions=regions)
    moved = facts.in_windows(job, "shifting")
    assert moved.windows == "shifting"
    assert [r.windows for r in moved.text_regions] == ["trimmed", None, "overlapping"]
    assert facts.in_windows(job, "trimmed") == replace(job, windows="trimmed")
