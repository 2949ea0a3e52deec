"""Regions made by the operators, in every Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import SCRIPTS, Host


@pytest.fixture(scope="module")
def told(
    wheel_host: Host, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("making")
    run = wheel_host.run_python(SCRIPTS / "making.py", folder, extension_zip=extension_zip)
    result: dict[str, Any] = run.check().result
    return result


def test_a_drawn_region_fits_exactly_and_moves_with_any_camera(told: dict[str, Any]) -> None:
    assert told["drawn"] == [[told["wanted"], told["wanted"], "drawn"]] * 12


def test_a_drawn_region_is_not_rendered_and_is_a_region_all_the_same(told: dict[str, Any]) -> None:
    assert told["guide"] == {
        "name": "Region",
        "selected": ["Region"],
        "parent": "Camera",
        "alpha": 0,
        "alpha_without": 1,
        "reroll": [[0, 64, 0, 64]],
        "listed": ["Region"],
    }
    assert "drag from one corner" in told["empty_rectangle"]


def test_image_empties_and_textured_planes_start_from_their_image(told: dict[str, Any]) -> None:
    assert told["images"] == {
        "empty": ["image2image", "photo"],
        "textured": ["image2image", "photo"],
        "plain": ["text2image", None],
    }
    assert told["image_places"] == [[0, 32, 0, 64], [16, 48, 80, 112]]
    assert told["image_files"] == ["photo.png"] * 2
    assert told["chosen_text"] == ["text2image"] * 2


def test_a_picture_file_becomes_a_region_before_the_camera(told: dict[str, Any]) -> None:
    assert told["from_file"] == ["EMPTY", "image2image", "photo"]
    assert told["from_file_place"] == [16, 48, 32, 96]


def test_layers_of_annotations_are_regions_named_after_what_they_show(
    told: dict[str, Any],
) -> None:
    assert not told["annotations_poll"]
    assert told["one_layer"] == ["a far away tower"]
    assert told["layers"] == ["a far away tower", "a stormy sky"]
    assert told["layer_places"]["a stormy sky"] == [0, 32, 32, 96]
    assert told["layer_places"]["a far away tower"] == told["tower_as_plane"]
    assert told["cropped_sky"] == [0, 32, 0, 64]
    # Blender draws strokes of the screen where the frame would be without the camera's shift.
    assert told["shifted_sky"] == [0, 32, 0, 64]
    assert told["layer_settings"] == [["a calm sky", 0.5]]
    assert told["renamed"] == ["a ruin", "a stormy sky"]
    assert len(told["removed"]) == 1


def test_keyframes_and_drivers_are_read_at_the_current_frame(told: dict[str, Any]) -> None:
    animated = told["animated"]
    assert animated["1"] == [2, 1, 0, 0.05]
    assert animated["11"] == [10, 3, 1, 0.55]
    assert animated["6"] == pytest.approx([6, 2, 0.5, 0.3])
