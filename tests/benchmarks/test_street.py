"""The street's parts, where the job's weights show them."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks.street import JOB, WISHES, largest_rectangle, visible_parts
from engine.contract.checks import check


def test_each_part_of_the_street_is_cut_where_it_is_seen() -> None:
    job = check(json.loads(JOB.read_text()), folder=JOB.parent).job_or_raise()
    owners = np.full((job.canvas_height, job.canvas_width), "", object)
    for region, (rows, columns) in zip(job.text_regions, visible_parts(job, 8), strict=True):
        assert rows.stop - rows.start >= 96
        assert columns.stop - columns.start >= 96
        assert not owners[rows, columns].any()
        owners[rows, columns] = region.name
    seen = {
        "sky": owners[40, 320],
        "road": owners[320, 320],
        "house left": owners[180, 100],
        "house right": owners[180, 540],
    }
    assert seen == {name: name for name in seen}
    assert {region.prompt for region in job.text_regions} == set(WISHES)


def test_the_largest_rectangle_lies_within_what_is_owned() -> None:
    owned = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 1]], bool)
    found = largest_rectangle(owned)
    assert (found.top, found.bottom, found.left, found.right) == (1, 3, 1, 4)
