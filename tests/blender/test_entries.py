"""The list of regions keeps up with the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import SCRIPTS, Host


@pytest.fixture(scope="module")
def told(
    wheel_host: Host, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("entries")
    run = wheel_host.run_python(SCRIPTS / "entries.py", folder, extension_zip=extension_zip)
    result: dict[str, Any] = run.check().result
    return result


def test_what_a_script_marks_is_listed_by_the_next_update(told: dict[str, Any]) -> None:
    assert told["listed"] == ["zebra", "ape"]


def test_what_is_not_listed_yet_is_in_the_job_after_the_rest_by_name(told: dict[str, Any]) -> None:
    assert told["unlisted"] == ["zebra", "ape"]
    assert told["unlisted_prompts"] == ["z", "a", "cat", "mouse"]
    assert told["listed_later"] == ["zebra", "ape", "cat", "mouse"]


def test_the_list_is_the_jobs_order_and_keeps_what_is_switched_off(told: dict[str, Any]) -> None:
    assert told["moved"] == ["mouse", "zebra", "ape", "cat"]
    assert told["moved_prompts"] == ["mouse", "z", "cat"]


def test_copies_are_listed_and_deleted_objects_dropped(told: dict[str, Any]) -> None:
    assert told["duplicated"] == ["mouse", "zebra", "ape", "cat", "zebra.001"]
    assert told["duplicated_prompts"] == ["mouse", "z", "cat", "copy"]
    assert told["deleted"] == ["mouse", "zebra", "ape", "cat"]
    assert told["entries"] == 4


def test_the_list_and_the_viewport_select_the_same(told: dict[str, Any]) -> None:
    assert told["selected"] == ["mouse"]
    assert told["active"] == 2
    assert told["active_is_camera"] == 2


def test_the_list_survives_files(told: dict[str, Any]) -> None:
    assert told["reopened"] == ["mouse", "zebra", "ape", "cat"]
    assert (told["appended"], told["appended_prompts"]) == (["cat"], ["cat"])
    assert (told["linked"], told["linked_prompts"]) == (["cat", "mouse"], ["cat", "mouse"])


def test_each_scene_has_its_list(told: dict[str, Any]) -> None:
    assert (told["other"], told["first"]) == (["cat"], ["cat", "mouse"])


def test_settings_live_on_the_object(told: dict[str, Any]) -> None:
    assert told["settings"]


def test_an_update_without_news_takes_less_than_a_millisecond(told: dict[str, Any]) -> None:
    assert told["many"] == 202
    assert told["handler_s"] < 0.001


def test_marking_is_undone_and_redone(told: dict[str, Any]) -> None:
    assert (told["marked"], told["undone"], told["redone"]) == (["plane"], [], ["plane"])
