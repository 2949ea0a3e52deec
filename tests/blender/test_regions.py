"""Regions of known scenes, in every Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.contract.checks import check
from tests.blender.hosts import Host
from tests.blender.test_whole_path import SCRIPTS


@pytest.fixture(scope="module")
def told(host: Host, extension_zip: Path) -> dict[str, Any]:
    script = SCRIPTS / "regions.py"
    run = host.run_python(script, extension_zip=extension_zip, timeout_s=280).check()
    result: dict[str, Any] = run.result
    return result


def test_what_the_camera_sees_becomes_rectangles(told: dict[str, Any]) -> None:
    assert told["ortho"]["size"] == [64, 128]
    assert dict(zip(told["ortho"]["prompts"], told["ortho"]["places"], strict=True)) == {
        "everything": [0, 64, 0, 128],
        "part": [0, 32, 64, 128],
        "cut": [32, 64, 0, 64],
        "dot": [24, 32, 64, 72],
    }


def test_regions_come_in_the_order_of_the_list_and_know_their_objects(
    told: dict[str, Any],
) -> None:
    assert told["ortho"]["objects"] == {
        "regions[0]": "a whole",
        "regions[1]": "b quarter",
        "regions[2]": "c beyond",
        "regions[3]": "d tiny",
    }


def test_what_is_left_out_is_named_with_the_reason(told: dict[str, Any]) -> None:
    assert told["ortho"]["warnings"] == [
        "e outside is not in the camera's view and is left out",
        "f hidden is hidden from the render and is left out",
        "g behind is not in the camera's view and is left out",
    ]


def test_every_setting_reaches_the_job(told: dict[str, Any]) -> None:
    keys = told["keys"]
    canvas = {key: value for key, value in keys.items() if "regions" not in key}
    assert canvas.pop("model").endswith("tiny-sd")
    assert canvas == {
        "version": 1,
        "canvas_height": 64,
        "canvas_width": 128,
        "scheduler": "ddim",
        "num_inference_steps": 2,
        "seed": 7178915308,
        "negative_prompt": "text",
        "cpu_vae": True,
        "decode_steps": True,
        "noise_device": "device",
    }
    region, photo = keys["regions"]
    assert (photo["type"], photo["strength"]) == ("image2image", 0.75)
    assert region == {
        "type": "text2image",
        "row_init": 0,
        "row_end": 64,
        "col_init": 0,
        "col_end": 128,
        "prompt": "a road",
        "negative_prompt": "fog",
        "guidance_scale": 3.5,
        "mask_type": "quartic",
        "mask_weight": 0.5,
        "region_seed": 2**64 - 1,
        "noise_eps": 0.25,
    }
    (reroll,) = keys["reroll_regions"]
    assert (reroll["reroll_mode"], reroll["noise_eps"]) == ("epsilon", 0.5)
    assert check(keys, folder=None).job is not None
    assert told["pictures"] == {told["reference"]: "painted"}


def test_what_is_left_to_chance_is_null_in_the_job(told: dict[str, Any]) -> None:
    region = told["open"]
    names = ("guidance_scale", "region_seed", "negative_prompt")
    assert [region[name] for name in names] == [None] * 3
    assert told["open_seed"] is None


def test_only_what_can_be_a_seed_stays_in_the_field(told: dict[str, Any]) -> None:
    assert told["digits"] == ["71789", "", str(2**64 - 1)]


def test_animated_settings_are_read_at_the_current_frame(told: dict[str, Any]) -> None:
    first, middle, last = told["animated"]
    assert (first, last) == (0.5, 2)
    assert 0.5 < middle < 2


def test_the_canvas_is_the_render_to_the_nearest_cell(told: dict[str, Any]) -> None:
    assert told["odd"] == [48, 104, [0, 48, 0, 104]]


def test_what_is_behind_the_camera_is_cut_away(told: dict[str, Any]) -> None:
    assert told["floor"] == [[32, 64, 0, 128]]


def test_the_projection_agrees_with_blenders_own(told: dict[str, Any]) -> None:
    assert told["compared"] > 20
    assert told["worst"] < 1e-5


@pytest.mark.parametrize(
    ("case", "says", "remedy"),
    [
        ("no_camera", "has no camera", "add one"),
        ("panorama", "neither perspective nor orthographic", "choose one"),
        ("no_picture", "photo: reference_image: has no picture", "choose one"),
        ("no_region", "Nothing to paint", "Add as MixDiff Region"),
        ("no_text", "no region has a prompt", "add a text2image region"),
        ("no_model", "nothing here", "give a folder"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    case: str, says: str, remedy: str, told: dict[str, Any]
) -> None:
    assert says in told[case]
    assert remedy in told[case]
