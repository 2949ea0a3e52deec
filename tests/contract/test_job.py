"""The job, written and read back, and what is drawn at random in it."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import given

from engine.contract.chance import resolve_random
from engine.contract.checks import check
from engine.contract.job import (
    Image2ImageRegion,
    Job,
    Text2ImageRegion,
    to_document,
    with_unique_names,
)
from engine.contract.named_in import files_of, with_files
from engine.contract.parse import parse_json
from tests.contract.jobs import jobs, right_job


@given(jobs())
def test_a_job_survives_being_written_and_read(document: dict[str, Any]) -> None:
    job = check(document, folder=None).job_or_raise()
    written = json.dumps(to_document(job))
    assert check(parse_json(written), folder=None).job == job


@given(jobs())
def test_what_a_document_says_stands_in_what_is_written(document: dict[str, Any]) -> None:
    written = to_document(check(document, folder=None).job_or_raise())
    for key, value in document.items():
        if key in ("regions", "reroll_regions"):
            for told, kept in zip(value, written[key], strict=True):
                assert told.items() <= kept.items()
        else:
            assert written[key] == value


@given(jobs())
def test_drawing_fills_what_was_open_and_leaves_the_rest(document: dict[str, Any]) -> None:
    job = check(document, folder=None).job_or_raise()
    drawn = resolve_random(job, Random(0))
    assert drawn.seed is not None
    assert job.seed in (None, drawn.seed)
    pairs = [*zip(job.regions, drawn.regions, strict=True)]
    for before, after in pairs:
        assert after.region_seed is not None
        assert before.region_seed in (None, after.region_seed)
        if isinstance(before, Text2ImageRegion) and isinstance(after, Text2ImageRegion):
            assert after.guidance_scale is not None
            if before.guidance_scale is None:
                assert after.guidance_scale in range(5, 30)
            else:
                assert after.guidance_scale == before.guidance_scale
    assert resolve_random(drawn, Random(1)) == drawn


def test_null_means_what_leaving_out_means() -> None:
    document = right_job()
    open_ended = {**document, "model": None, "scheduler": None, "seed": None}
    del document["seed"]
    assert (
        check(open_ended, folder=None).job_or_raise() == check(document, folder=None).job_or_raise()
    )


@given(jobs())
def test_every_region_has_a_name_that_no_other_has(document: dict[str, Any]) -> None:
    names = [region.name for region in check(document, folder=None).job_or_raise().all_regions]
    assert all(names)
    assert len(set(names)) == len(names)


def test_names_are_kept_where_they_can_be_and_made_up_from_the_field_path() -> None:
    def region(name: str) -> Text2ImageRegion:
        return Text2ImageRegion(row_init=0, row_end=8, col_init=0, col_end=8, name=name)

    given_names = ("House", "", "House", "region 1", "House 2")
    job = Job(canvas_height=8, canvas_width=8, regions=tuple(map(region, given_names)))
    named = with_unique_names(job)
    assert [one.name for one in named.regions] == [
        "House",
        "region 1 2",
        "House 3",
        "region 1",
        "House 2",
    ]
    assert with_unique_names(named) == named


def test_files_are_found_and_changed_wherever_a_job_names_them() -> None:
    sides: dict[str, Any] = {"row_init": 0, "row_end": 8, "col_init": 0, "col_end": 8}
    job = Job(
        canvas_height=8,
        canvas_width=8,
        model="models/one",
        regions=(
            Text2ImageRegion(**sides, mask="mask.png"),
            Image2ImageRegion(**sides, reference_image="photo.jpg", mask="other.png"),
            Text2ImageRegion(**sides),
        ),
    )
    assert sorted(files_of(job)) == ["mask.png", "other.png", "photo.jpg"]
    moved = with_files(job, lambda name: f"../{name}")
    assert sorted(files_of(moved)) == ["../mask.png", "../other.png", "../photo.jpg"]
    assert moved.model == "models/one"
    assert with_files(moved, lambda name: name.removeprefix("../")) == job
