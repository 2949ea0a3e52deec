"""The job, written and read back, and what is drawn at random in it."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import given

from engine.contract.documents import parse_json
from engine.contract.job import Text2ImageRegion, job_to_document, resolve_random
from engine.contract.validate import check
from tests.contract.jobs import jobs, right_job


@given(jobs())
def test_a_job_survives_being_written_and_read(document: dict[str, Any]) -> None:
    job = check(document, folder=None).job_or_raise()
    written = json.dumps(job_to_document(job))
    assert check(parse_json(written), folder=None).job == job


@given(jobs())
def test_what_a_document_says_stands_in_what_is_written(document: dict[str, Any]) -> None:
    written = job_to_document(check(document, folder=None).job_or_raise())
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
