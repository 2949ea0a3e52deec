"""Scenes that are not as one wishes work or say what to do; the canvas's prompt, gaps, tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import SCRIPTS, Host


@pytest.fixture(scope="module", params=["bpy-4.2", "bpy-5.2"])
def told(
    request: pytest.FixtureRequest,
    find_host: Any,
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    host: Host = find_host(request.param)
    folder = tmp_path_factory.mktemp("hostile")
    run = host.run_python(SCRIPTS / "hostile.py", folder, extension_zip=extension_zip)
    result: dict[str, Any] = run.check().result
    return result


def test_a_prompt_alone_paints_the_whole_canvas_even_without_a_camera(told: dict[str, Any]) -> None:
    (region,) = told["alone"]
    assert region["prompt"] == "a sketch at dusk"
    assert [region[side] for side in ("row_init", "row_end", "col_init", "col_end")] == [
        *(0, 64),
        *(0, 128),
    ]
    assert told["without_camera"] == 1


def test_gaps_between_regions_are_filled_from_behind(told: dict[str, Any]) -> None:
    assert told["gaps"] == [
        ["a sketch at dusk", 1e-4, 0, 64, 0, 128],
        ["a sketch of a wall at dusk", 1.0, 0, 64, 0, 64],
    ]
    assert told["names"] == {"regions[0]": "Background", "regions[1]": "left"}
    assert told["gap_warnings"] == []
    assert told["no_background"] == ["a sketch of a wall at dusk"]
    assert told["covered"] == ["a wall, watercolour", "watercolour"]


def test_what_is_larger_than_the_model_paints_well_becomes_tiles(told: dict[str, Any]) -> None:
    assert told["full_hd"] == 18
    assert told["larger_tiles"] == 6
    assert told["bundled_tile_px"] <= 320
    assert told["wide"] == {
        "masks": ["quartic"],
        "guidance": 1,
        "noise": [0] * 3,
        "names": ["wide"],
        "reroll": [[0, 512, 0, 1024, 7]],
        "errors": [],
    }


def test_a_camera_inside_a_plane_or_a_room_sees_what_is_before_it(told: dict[str, Any]) -> None:
    assert told["camera_inside"]["room"] == [0, 64, 0, 128]
    assert told["camera_inside"].keys() <= {"room", "inside"}


def test_sizes_of_nothing_and_negative_scales_are_no_harm(told: dict[str, Any]) -> None:
    assert told["sizes"] == {
        "point": [16, 24, 32, 40],
        "line": [48, 56, 32, 96],
        "mirrored": [0, 32, 64, 128],
        "squeezed": [0, 64, 16, 48],
    }
    assert sorted(told["size_warnings"]) == [
        "lamp has no surface and is left out",
        "nothing has no surface and is left out",
        "off is not in the camera's view and is left out",
    ]


def test_all_kinds_of_surfaces_count_and_what_is_being_edited(told: dict[str, Any]) -> None:
    assert told["edited"] == [16, 48, 80, 112]
    assert told["others"] == ["ball", "circle", "edited", "surface", "text"]
    assert sorted(told["other_warnings"]) == [
        "Mball.001 has no surface and is left out",
        "NurbsPath has no surface and is left out",
    ]


def test_what_is_hidden_is_left_out_with_the_reason(told: dict[str, Any]) -> None:
    assert told["collections"] == [
        "eye",
        "guide not rendered",
        "guide not shown",
        "guide seen",
        "not shown",
        "seen",
    ]
    reasons = [warning.removesuffix(" and is left out") for warning in told["collection_warnings"]]
    assert reasons == [
        "excluded is in no collection of the view layer",
        "guide excluded is in no collection of the view layer",
        "guide off in the viewport is disabled in viewports",
        "not rendered is hidden from the render",
        "off in the viewport is disabled in viewports",
    ]


def test_instances_count_for_what_makes_them(told: dict[str, Any]) -> None:
    assert told["instances"] == {"instance": [8, 24, 72, 120], "nodes": [16, 64, 0, 64]}


def test_regions_of_linked_libraries_are_regions(told: dict[str, Any]) -> None:
    assert told["linked_object"] == {"a linked wall": [0, 64, 0, 64]}
    assert told["override"] == {"a linked wall": [0, 64, 64, 128]}
    assert told["linked_scene"] == {
        "a linked road": [0, 64, 64, 128],
        "a linked wall": [0, 64, 0, 64],
    }
    assert list(told["linked_scene"]) == ["a linked road", "a linked wall"]


def test_two_scenes_see_the_same_object_each_with_its_camera(told: dict[str, Any]) -> None:
    assert told["two_scenes"] == [[0, 64, 32, 96], [0, 64, 0, 64]]


def test_two_hundred_regions_are_read_in_half_a_second(told: dict[str, Any]) -> None:
    assert told["many"] == 200
    assert told["many_s"] < 0.5
