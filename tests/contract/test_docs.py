"""What the documentation shows as a job is one, without a doubt about it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.contract.checks import check

DOCS = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
EXAMPLES = [
    pytest.param(json.loads(text), id=f"{page.stem} {number}")
    for page in DOCS
    for number, text in enumerate(re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL))
    if '"canvas_height"' in text
]


def test_the_page_on_jobs_has_an_example() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("document", EXAMPLES)
def test_an_example_of_a_job_has_no_problem(document: object) -> None:
    assert check(document, folder=None).problems == ()
