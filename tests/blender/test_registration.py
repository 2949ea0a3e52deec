"""What the add-on makes known to Blender, and how its operators fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import SCRIPTS, Host

NOTHING: dict[str, list[str]] = {
    "classes": [],
    "handlers": [],
    "forgetful": [],
    "menus": [],
    "properties": [],
    "tools": [],
}


@pytest.fixture(scope="module")
def told(
    wheel_host: Host, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("registration")
    run = wheel_host.run_python(SCRIPTS / "registration.py", folder, extension_zip=extension_zip)
    result: dict[str, Any] = run.check().result
    return result


def test_every_operator_reports_an_error_instead_of_a_traceback(told: dict[str, Any]) -> None:
    expected = [True, "Error: it went wrong; try again"]
    assert len(told["operators"]) >= 36
    assert told["operators"] == dict.fromkeys(told["operators"], expected)


def test_what_an_operator_lacks_is_what_blender_says(told: dict[str, Any]) -> None:
    assert "There is no result yet; generate a picture, or load one" in told["unmet"]


def test_all_that_is_registered_is_taken_away_and_comes_again(told: dict[str, Any]) -> None:
    assert all(told["at_first"][kind] for kind in NOTHING if kind != "forgetful")
    assert told["at_first"]["forgetful"] == []
    assert told["after"] == NOTHING
    assert told["again"] == told["at_first"]


def test_a_registration_that_fails_is_loud_and_leaves_nothing(told: dict[str, Any]) -> None:
    assert told["broken_hook"] == [["not today", NOTHING]] * 3
    for failure, left in (told["broken_class"], told["broken_event"]):
        assert failure
        assert left == NOTHING
