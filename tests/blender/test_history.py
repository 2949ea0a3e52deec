"""Results one after the other: kept with their jobs, shown again, varied, saved and moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import SCRIPTS, Host

SEED = 7178915308


@pytest.fixture(scope="module", params=["bpy-4.2", "bpy-5.2"])
def told(
    request: pytest.FixtureRequest,
    find_host: Callable[[str], Host],
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("history")
    script = SCRIPTS / "history.py"
    host = find_host(request.param)
    run = host.run_python(script, folder, extension_zip=extension_zip, timeout_s=280).check()
    result: dict[str, Any] = run.result
    return result


def test_a_file_that_was_never_saved_packs_its_picture(told: dict[str, Any]) -> None:
    assert told["unsaved"] == {"aside": True, "packed": True}


def test_undo_takes_back_what_was_done_but_not_the_picture(told: dict[str, Any]) -> None:
    assert told["after_undo"] == {"moved_back": True, "entries": 1, "shows": True}


def test_saving_brings_every_picture_beside_the_file(told: dict[str, Any]) -> None:
    assert told["saved"] == ["//mixdiff/street-0001.png", "//mixdiff/street-0002.png"]
    assert told["saved_there"] == [True, True]
    assert told["saved_seeds"] == [SEED, 11]
    assert told["third"] == told["third_image"] == "//mixdiff/street-0003.png"


def test_what_a_picture_was_painted_from_is_found_from_its_new_place(told: dict[str, Any]) -> None:
    assert told["jobs_find_their_model"] == [True, True]
    assert told["pictures_hold_those_jobs"] == [True, True]


def test_paths_survive_copies_other_names_and_a_move(told: dict[str, Any]) -> None:
    assert told["after_copy"]
    assert told["elsewhere"] == "//project/mixdiff/street-0001.png"
    assert told["back"] == "//mixdiff/street-0001.png"
    assert told["moved"] == [True, True, True]
    assert told["moved_image"]


def test_an_earlier_result_is_shown_again_in_the_same_image(told: dict[str, Any]) -> None:
    assert told["shown_again"]
    assert told["shown_in"]
    assert told["shown_seed"] == str(SEED)
    assert told["browsed_to"] == 1


def test_a_result_is_kept_once_as_an_image_of_its_own(told: dict[str, Any]) -> None:
    assert told["kept"] == 1
    assert told["kept_still"]
    assert told["kept_path"] == "//mixdiff/street-0001.png"


def test_settings_and_seed_come_back_whatever_has_changed(told: dict[str, Any]) -> None:
    assert told["brought_back"] == ["a brick wall", 7.5, True, 2, SEED, "own"]
    assert told["own_seed"] is None  # it made no difference to the picture


def test_a_picture_without_names_brings_back_the_canvas(told: dict[str, Any]) -> None:
    assert told["from_job"] == [True, 2]


def test_a_copied_scene_has_a_picture_of_its_own(told: dict[str, Any]) -> None:
    assert told["copied_scene"] == [True, True]


def test_a_picture_brings_its_own_job(told: dict[str, Any]) -> None:
    assert told["read"] == SEED
    assert told["loaded_known"] == 0
    assert "holds no job; choose a PNG" in told["loaded_plain"]


def test_removing_leaves_the_file_unless_told_otherwise(told: dict[str, Any]) -> None:
    assert told["removed"] == [2, True, 1]
    assert told["removed_with_file"] == [2, False]


def test_a_variation_starts_anew_where_a_region_is_selected(told: dict[str, Any]) -> None:
    reset, slightly = ["reset", 0.0, 0, 80], ["epsilon", 0.1, 0, 80]
    assert told["rerolls"] == [[], [reset], [reset], [reset, slightly]]
    assert told["same_seed"] == 1
    assert told["varied"]


def test_what_only_blender_had_is_kept_beside_the_result(told: dict[str, Any]) -> None:
    assert told["source_beside"].startswith("sources/")
    assert told["source_there"]


def test_a_batch_counts_its_seeds_up_and_ends_when_cancelled(told: dict[str, Any]) -> None:
    assert told["batch_seeds"] == [2**64 - 2, 2**64 - 1, 0]
    assert told["batch_left"] == 2
    assert told["batch_cancelled"] == [0, 0]
    assert told["left_behind"] == []


def test_no_two_pictures_get_one_name_and_a_bad_folder_says_so(told: dict[str, Any]) -> None:
    assert len(set(told["names"])) == 2
    assert "cannot be written: Not a directory; choose another folder" in told["unwritable"]
    assert told["chosen_folder"] == told["image_path"] == "//pictures/batch-0001.png"


def test_a_result_finds_its_scene_in_a_file_opened_again(told: dict[str, Any]) -> None:
    assert told["reopened"] == 1
    assert told["reopened_file"]
