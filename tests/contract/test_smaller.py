"""Jobs on smaller canvases: what stays in proportion, and that they are jobs still."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contract.checks import check, validate
from engine.contract.earlier import Kept, SecondPass
from engine.contract.enlarging import enlarged
from engine.contract.errors import EngineError
from engine.contract.geometry import uncovered_share
from engine.contract.job import Image2ImageRegion, Job, Text2ImageRegion
from engine.contract.models import facts_of
from engine.contract.resized import scaled_size
from engine.contract.smaller import smaller
from tests.contract.jobs import jobs, right_job

SCALES = st.floats(0.05, 1.0)


def job_of(document: dict[str, Any]) -> Job:
    job = check(document, folder=None).job_or_raise()
    return replace(job, noise_map=None, kept=None, second_pass=None)


def row_of(*edges_px: int, height: int = 512) -> Job:
    """Return a job of regions side by side, between these edges."""
    regions = tuple(
        Text2ImageRegion(row_init=0, row_end=height, col_init=left, col_end=right, prompt="grass")
        for left, right in pairwise(edges_px)
    )
    return Job(canvas_height=height, canvas_width=edges_px[-1], regions=regions)


@settings(max_examples=30)
@given(jobs(), SCALES)
def test_a_job_without_errors_has_none_when_it_is_smaller(
    document: dict[str, Any], scale: float
) -> None:
    facts = facts_of(None)
    found = smaller(job_of(document), scale, facts.grid_px)
    assert not [p for p in validate(found, folder=None, facts=facts) if p.severity == "error"]
    assert len(found.all_regions) == len(job_of(document).all_regions)


@settings(max_examples=30)
@given(jobs(), SCALES, st.sampled_from([8, 16]))
def test_sides_are_where_they_were_but_for_half_a_cell(
    document: dict[str, Any], scale: float, grid_px: int
) -> None:
    job = job_of(document)
    found = smaller(job, scale, grid_px)
    for before, after in zip(job.all_regions, found.all_regions, strict=True):
        for was, now, size, new_size in (
            (before.row_init, after.row_init, job.canvas_height, found.canvas_height),
            (before.row_end, after.row_end, job.canvas_height, found.canvas_height),
            (before.col_init, after.col_init, job.canvas_width, found.canvas_width),
            (before.col_end, after.col_end, job.canvas_width, found.canvas_width),
        ):
            # A region that is thinner than a cell has a whole one; one that wraps may turn round.
            off = abs(now - was * new_size / size)
            assert min(off, abs(off - new_size)) <= grid_px
            assert 0 <= now <= 2 * new_size


@given(st.lists(st.integers(1, 63), min_size=1, max_size=8, unique=True), SCALES)
def test_what_touched_goes_on_touching_and_nothing_is_left_free(
    cells: list[int], scale: float
) -> None:
    job = row_of(0, *(8 * cell for cell in sorted(cells)), 512)
    found = smaller(job, scale, 8)
    assert uncovered_share(found.canvas_height, found.canvas_width, found.regions) == 0
    assert found.regions[0].col_init == 0
    assert found.regions[-1].col_end == found.canvas_width


def test_at_half_the_size_all_that_is_in_pixels_is_half() -> None:
    job = row_of(0, 256, 1024)
    soft = replace(job.text_regions[0], mask_type="feather", feather_px=64, mask="a.png")
    found = smaller(replace(job, regions=(soft, job.regions[1])), 0.5, 8)
    assert (found.canvas_height, found.canvas_width) == (256, 512)
    assert [region.bounds for region in found.regions] == [(0, 256, 0, 128), (0, 256, 128, 512)]
    assert found.text_regions[0].feather_px == 32
    assert found.text_regions[0].mask == "a.png"
    assert found.max_region_px == job.max_region_px


def test_a_region_that_would_vanish_keeps_a_cell_inside_the_canvas() -> None:
    job = row_of(0, 504, 512)
    found = smaller(job, 1 / 16, 8)
    assert (found.canvas_height, found.canvas_width) == (32, 32)
    assert found.regions[1].bounds == (0, 32, 24, 32)


def test_at_its_own_size_a_job_is_the_same() -> None:
    job = job_of(right_job())
    assert smaller(job, 1.0, 8) == job
    assert smaller(job, 1.5, 8).canvas_width == job.canvas_width


@pytest.mark.parametrize(
    "changes",
    [
        {"kept": Kept(picture="a.png", mask="b.png")},
        {"second_pass": SecondPass(picture="a.png")},
        {"noise_map": "a.png"},
    ],
    ids=["kept", "second_pass", "noise_map"],
)
def test_pictures_as_large_as_the_canvas_are_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=next(iter(changes))):
        smaller(replace(job_of(right_job()), **changes), 0.5, 8)


def test_what_goes_around_the_canvas_still_does_and_starts_in_it() -> None:
    job = replace(row_of(0, 512), wrap="x")
    regions = tuple(
        replace(job.text_regions[0], col_init=start, col_end=start + length)
        for start, length in ((504, 512), (8, 512), (504, 64), (0, 512))
    )
    found = smaller(replace(job, regions=regions), 1 / 8, 8)
    assert [region.bounds[2:] for region in found.regions] == [(0, 64), (0, 64), (0, 8), (0, 64)]
    facts = facts_of(None)
    assert not [p for p in validate(found, folder=None, facts=facts) if p.severity == "error"]


def test_image_regions_shrink_with_their_pictures() -> None:
    region = Image2ImageRegion(
        row_init=128, row_end=512, col_init=0, col_end=256, reference_image="a.png"
    )
    job = replace(row_of(0, 512), regions=(*row_of(0, 512).regions, region))
    assert smaller(job, 0.25, 8).regions[1].bounds == (32, 128, 0, 64)


@pytest.mark.parametrize("number", [math.nan, math.inf, -1.0])
def test_a_scale_or_a_strength_that_is_none_is_named(number: float) -> None:
    job = check(right_job(), folder=None).job_or_raise()
    with pytest.raises(EngineError, match="scale") as scaled:
        scaled_size(job, number, 8)
    with pytest.raises(EngineError, match="strength") as kept:
        enlarged(job, (64, 64), facts_of(None), picture="a.png", strength=number)
    assert {scaled.value.kind, kept.value.kind} == {"job"}
