"""What the documentation shows as a job is one, and the files that it names are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.contract.checks import check

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
ROOMS = ("", "engine", "mixdiff_blender")
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


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`([\w/]+/[\w/]+\.(?:py|md|toml))`", page.read_text())
    missing = {
        name
        for name in named
        if "NAME" not in name and not any((ROOT / room / name).is_file() for room in ROOMS)
    }
    assert missing == set()


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS], ids=lambda page: page.stem)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    here = {link for link in links if not link.startswith(("http://", "https://"))}
    assert {link for link in here if not (page.parent / link).exists()} == set()
