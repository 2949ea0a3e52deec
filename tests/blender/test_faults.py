"""Jobs that are cancelled or lose their engine: one clear error each, and the next succeeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import SCRIPTS, Host


@pytest.fixture(scope="module")
def told(host: Host, extension_zip: Path) -> dict[str, Any]:
    script = SCRIPTS / "faults.py"
    run = host.run_python(script, extension_zip=extension_zip, timeout_s=280).check()
    result: dict[str, Any] = run.result
    return result


def test_a_missing_engine_says_where_it_was_looked_for(told: dict[str, Any]) -> None:
    assert "/nowhere/python" in told["no_python"]
    assert "MIXDIFF_ENGINE_PYTHON" in told["no_python"]


def test_a_second_job_waits_for_the_first_and_gets_a_file_of_its_own(told: dict[str, Any]) -> None:
    assert told["can_queue"] is True
    assert told["queued"] == 1
    assert told["outputs"] == 2
    assert told["second"]["kind"] is None


def test_cancel_ends_the_job_and_leaves_the_engine_ready(told: dict[str, Any]) -> None:
    assert told["cancelled"]["kind"] == "cancelled"
    assert told["cancelled"]["state"] == "Ready"


def test_a_killed_engine_is_one_error_with_its_exit_code(told: dict[str, Any]) -> None:
    killed = told["killed"]
    assert killed["kind"] == "crashed"
    assert "exit code -9" in killed["says"]
    assert killed["state"] == "Failed"


def test_the_next_job_gets_a_new_engine(told: dict[str, Any]) -> None:
    assert told["next"]["kind"] is None
    assert told["next_size"] == [128, 64]


def test_a_picture_whose_scene_is_gone_is_kept_in_its_file(told: dict[str, Any]) -> None:
    assert told["reopened"]["kind"] is None
    assert told["reopened_images"] == 0
    assert told["kept_files"] == 3  # with the two before it, all of files never saved
    assert "is gone; its picture is" in told["reopened"]["says"]


def test_no_engine_outlives_its_session(told: dict[str, Any]) -> None:
    assert told["orphan"] is False
