"""Checks of jobs whose picture is all around."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.contract.checks import check

SKY = {
    **{"type": "text2image", "row_init": 0, "row_end": 64, "col_init": 0, "col_end": 128},
    "prompt": "sky",
}


def job(**changes: Any) -> dict[str, Any]:
    whole = {"version": 1, "canvas_height": 64, "canvas_width": 128, "wrap": "x", "regions": [SKY]}
    return {**whole, "calm_poles_deg": 25, **changes}


@pytest.mark.parametrize(
    ("document", "severity", "message", "remedy"),
    [
        (job(wrap="none"), "warning", "has a seam where it closes", 'set wrap to "x"'),
        (job(wrap="y"), "warning", "has a seam where it closes", 'set wrap to "x"'),
        (job(canvas_height=128), "warning", "128 × 128 pixels", "twice as wide as high"),
        (job(calm_poles_deg=91), "error", "91 is above 90", "from 0 to 90"),
        (job(calm_poles_deg=-1), "error", "-1 is negative", "from 0 to 90"),
    ],
)
def test_what_is_wrong_with_a_picture_all_around_is_told(
    document: dict[str, Any], severity: str, message: str, remedy: str
) -> None:
    problems = check(document, folder=Path()).problems
    (problem,) = [problem for problem in problems if problem.field == "calm_poles_deg"]
    assert problem.severity == severity
    assert message in problem.message
    assert remedy in problem.remedy


def test_a_picture_all_around_and_one_that_is_none_are_right() -> None:
    assert check(job(), folder=Path()).problems == ()
    assert check(job(calm_poles_deg=0, wrap="none"), folder=Path()).problems == ()
