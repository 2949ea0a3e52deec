"""Large regions as tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.coverage import uncovered_share
from engine.contract.job import MASK_TYPES, Job, Text2ImageRegion, job_to_document
from engine.contract.tiles import spans, split, tiles
from engine.contract.validate import check
from engine.sampling.masks import Weights, region_weights

STRIDE = 8


def region(height: int, width: int, **changes: object) -> Text2ImageRegion:
    values: dict[str, object] = {"row_init": 16, "col_init": 24, "prompt": "a road", **changes}
    return Text2ImageRegion(row_end=16 + height, col_end=24 + width, **values)  # type: ignore[arg-type]


def summed(regions: list[Text2ImageRegion], height: int, width: int) -> Weights:
    """Return the weights of regions, added up on a canvas that ends where they end."""
    canvas = np.zeros(((16 + height) // STRIDE, (24 + width) // STRIDE))
    for part in regions:
        rows = slice(part.row_init // STRIDE, part.row_end // STRIDE)
        columns = slice(part.col_init // STRIDE, part.col_end // STRIDE)
        canvas[rows, columns] += region_weights(part, STRIDE)
    return canvas[2:, 3:]


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


@given(st.integers(1, 250), st.integers(1, 250), st.integers(8, 80))
def test_tiles_cover_a_region_on_the_grid_and_stay_inside(
    rows: int, columns: int, largest: int
) -> None:
    whole = region(rows * STRIDE, columns * STRIDE)
    parts = tiles(whole, largest * STRIDE, STRIDE)
    assert len(set(parts)) == len(parts)
    for part in parts:
        assert max(part.height_px, part.width_px) <= largest * STRIDE
        assert whole.row_init <= part.row_init < part.row_end <= whole.row_end
        assert whole.col_init <= part.col_init < part.col_end <= whole.col_end
        sides = (part.row_init, part.row_end, part.col_init, part.col_end)
        assert all(side % STRIDE == 0 for side in sides)
    outside = whole.row_end * whole.col_end - whole.height_px * whole.width_px
    share = uncovered_share(whole.row_end, whole.col_end, parts)
    assert share * whole.row_end * whole.col_end == pytest.approx(outside, abs=1e-3)


def test_a_region_of_the_models_size_stays_as_it_is() -> None:
    whole = region(512, 512, region_seed=3, noise_eps=0.5)
    assert split(whole, 512, STRIDE) == ([whole], [])


def test_a_full_hd_background_is_a_valid_job_of_eighteen_tiles() -> None:
    whole = Text2ImageRegion(row_init=0, row_end=1080, col_init=0, col_end=1920, prompt="fog")
    parts, _ = split(whole, 512, STRIDE)
    job = Job(canvas_height=1080, canvas_width=1920, regions=tuple(parts))
    assert len(parts) == 18
    assert check(job_to_document(job), folder=None).problems == ()


@given(st.integers(65, 200), st.integers(65, 200))
def test_the_weights_of_a_constant_regions_tiles_stay_near_its_own(rows: int, columns: int) -> None:
    whole = region(rows * STRIDE, columns * STRIDE, mask_type="constant", mask_weight=2.0)
    parts, _ = split(whole, 512, STRIDE)
    inner = summed(parts, rows * STRIDE, columns * STRIDE)[32:-32, 32:-32]
    assert inner.size == 0 or (inner.min() > 2 * 0.3 and inner.max() < 2 * 1.3)


@pytest.mark.parametrize("mask_type", MASK_TYPES)
def test_the_weights_of_the_tiles_follow_the_regions_mask(mask_type: str) -> None:
    whole = region(2048, 2048, mask_type=mask_type, mask_weight=0.5)
    parts, _ = split(whole, 256, STRIDE)
    wanted, found = region_weights(whole, STRIDE), summed(parts, 2048, 2048)
    assert len(parts) > 50
    strong = wanted > wanted.max() / 100
    strong[:16], strong[-16:], strong[:, :16], strong[:, -16:] = False, False, False, False
    ratio = found[strong] / wanted[strong]
    assert ratio.min() > 0.2
    assert ratio.max() < 1.5


def test_the_regions_own_noise_is_drawn_once_from_its_seed() -> None:
    whole = region(768, 512, region_seed=7, noise_eps=0.25)
    parts, rerolls = split(whole, 512, STRIDE)
    assert {(part.noise_eps, part.region_seed) for part in parts} == {(0.0, None)}
    (own,) = rerolls
    assert (own.reroll_mode, own.noise_eps, own.region_seed) == ("epsilon", 0.25, 7)
    assert (own.row_init, own.row_end, own.col_init, own.col_end) == (16, 784, 24, 536)


def test_prompt_and_guidance_are_the_same_in_every_tile() -> None:
    parts, _ = split(region(1024, 1024, guidance_scale=3.0, negative_prompt="fog"), 512, STRIDE)
    same = {(part.prompt, part.guidance_scale, part.negative_prompt) for part in parts}
    assert same == {("a road", 3.0, "fog")}
