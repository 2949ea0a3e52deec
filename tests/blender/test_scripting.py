"""The functions for scripts, and the example that shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.blender.hosts import CHECKOUT, SCRIPTS, Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """What the script told, and the folder that the example wrote to."""

    told: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module", params=["bpy-4.2", "bpy-5.2"])
def functions(
    request: pytest.FixtureRequest,
    find_host: Callable[[str], Host],
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Functions:
    folder = tmp_path_factory.mktemp("functions")
    run = find_host(request.param).run_python(
        *(SCRIPTS / "functions.py", folder, CHECKOUT / "examples/scripting.py"),
        extension_zip=extension_zip,
        timeout_s=250,
    )
    return Functions(told=run.check().result, folder=folder)


def test_regions_are_told_in_their_order_with_their_places(functions: Functions) -> None:
    assert functions.told["regions"] == [
        ["wall", "text2image", True, "bricks", 1.0, [[0, 64, 0, 64]]],
        ["road", "text2image", False, "stones", 0.5, []],
    ]
    assert functions.told["order"][-2:] == ["bricks", "stones"]


def test_overrides_hold_for_one_call(functions: Functions) -> None:
    assert functions.told["overrides"] == {
        "none": [0, 64, 0, 64],
        "camera": [0, 64, 0, 32],
        "frame": [0, 64, 64, 128],
        "size": [0, 128, 0, 128],
        "job": {"seed": 3, "num_inference_steps": 9},
    }
    assert functions.told["after"] == ["Camera", 1, 128, 2]


def test_another_scene_is_read_as_itself(functions: Functions) -> None:
    assert functions.told["second"] == [64, ["road"]]


def test_wrong_names_get_the_nearest_one(functions: Functions) -> None:
    wrong = functions.told["wrong"]
    assert [wrong[name][0] for name in ("setting", "scene", "camera")] == ["name"] * 3
    assert "'prompt'" in wrong["setting"][1]
    assert "'Scene'" in wrong["scene"][1]
    assert "'Camera'" in wrong["camera"][1]


def test_what_cannot_run_is_one_error_with_its_remedy(functions: Functions) -> None:
    assert "neither a region nor a prompt" in functions.told["nothing"][1]
    assert "no surface" in functions.told["wrong"]["lamp"][1]
    for call in ("steps", "generate"):
        assert "num_inference_steps" in functions.told["wrong"][call][1]


def test_what_is_unmarked_or_unseen_is_told(functions: Functions) -> None:
    assert functions.told["unmarked"] == ["wall"]
    assert functions.told["problems"] != []
    assert "not in the camera's view" in functions.told["unseen"][0]


def test_the_example_writes_what_it_says(functions: Functions) -> None:
    files = {"explain.png", "job.json", "scripting.blend", "small.png"}
    assert files <= set(functions.told["files"])
    assert functions.told["picture"] == [[128, 64]]
    assert Path(functions.told["file"]) == functions.folder / "small.png"
    assert Image.open(functions.folder / "mixdiff/scripting-0001.png").size == (256, 128)
    assert Image.open(functions.folder / "explain.png").width > 256
