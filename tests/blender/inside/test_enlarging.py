"""A result made larger: an entry of its own, with the uses that the smaller one has."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import EngineError, cli_main, enlarging, folders, history, png_of, read_job, scripting
from scenes import pixels

HOSTS = "oldest and newest"


def settings() -> Any:
    return bpy.context.scene.mixdiff


def last() -> Path:
    path: Path = history.path_of(settings().history[-1])
    return path


def job() -> Any:
    return json.loads(settings().history[-1].job)


@pytest.fixture
def before(street: Any) -> Any:
    """The bytes of a first picture, 128 × 64."""
    bpy.ops.mixdiff.generate()
    return pixels(last())


def test_a_result_is_made_twice_as_large_as_an_entry_of_its_own(before: Any) -> None:
    assert bpy.ops.mixdiff.enlarge(scale=2, strength=0.9) == {"FINISHED"}
    first, larger = settings().history
    assert larger.what == f"{first.name} 2×"
    assert (settings().active_history, tuple(settings().result.size)) == (1, (256, 128))
    made, small = job(), json.loads(first.job)
    assert made["second_pass"]["strength"] == 0.9
    assert (last().parent / made["second_pass"]["picture"]).is_file()
    assert read_job(last()) == made
    assert made["seed"] == small["seed"]
    for now, then in zip(made["regions"], small["regions"], strict=True):
        assert now["prompt"] == then["prompt"]
        for side in ("row_init", "row_end", "col_init", "col_end"):
            assert now[side] == 2 * then[side]
    # The scene's own share of what stays, a second time, and what it will take before.
    settings().enlarge_strength = 0.8
    (width, height), time = enlarging.planned(larger, 2, 0.8)
    assert (width, height) == (512, 256)
    assert time is not None
    bpy.ops.mixdiff.enlarge()
    assert tuple(settings().result.size) == (512, 256)
    assert job()["second_pass"]["strength"] == 0.8
    assert settings().history[-1].what == f"{larger.name} 2×"
    # What it was made with is not what the scene is set to.
    assert settings().enlarge_strength == pytest.approx(0.8)
    bpy.ops.mixdiff.use_settings()
    assert settings().num_inference_steps == small["num_inference_steps"]


@pytest.mark.usefixtures("before")
def test_what_the_smaller_picture_is_used_for_the_larger_one_is() -> None:
    uses = (bpy.ops.mixdiff.use_in_compositor, bpy.ops.mixdiff.use_as_background)
    for use in uses:
        assert use() == {"FINISHED"}
    image = settings().result
    users = image.users
    bpy.ops.mixdiff.enlarge(scale=2)
    assert settings().result == image
    assert (image.users, tuple(image.size)) == (users, (256, 128))


def test_it_goes_on_from_a_saved_file_and_a_part_of_it_is_made_again(
    before: Any, tmp_path: Path
) -> None:
    bpy.ops.mixdiff.enlarge(scale=2)
    assert folders.is_unsaved(last())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "project" / "street.blend"))
    assert (last().parent / job()["second_pass"]["picture"]).is_file()
    larger = pixels(last())
    bpy.ops.mixdiff.again(region="right")
    part = pixels(last())
    assert np.array_equal(part[:, :96], larger[:, :96])
    assert (part[:, 176:] != larger[:, 176:]).mean() > 0.2


@pytest.mark.usefixtures("before")
def test_scripts_and_the_command_line_make_it_larger(tmp_path: Path) -> None:
    name = settings().history[0].name
    made = scripting.enlarge(4, strength=0.9, steps=1, seed=4, output=tmp_path / "4.png")
    assert (made.seed, tuple(made.image.size)) == (4, (512, 256))
    words = ["enlarge", "--scale", "1.5", "--result", name, "-o", str(tmp_path / "1.png")]
    assert cli_main([*words, "--strength", "0.9", "--quiet"]) == 0
    assert (job()["canvas_width"], job()["canvas_height"]) == (192, 96)
    # The same, retouched.
    red = np.zeros((64, 128, 3), np.uint8)
    red[..., 0] = 255
    (tmp_path / "red.png").write_bytes(png_of(red))
    scripting.enlarge(1, strength=0.99, result=name, picture=tmp_path / "red.png")
    assert (last().parent / job()["second_pass"]["picture"]).read_bytes() == png_of(red)
    with pytest.raises(EngineError, match="from 0 to 1"):
        scripting.enlarge(2, strength=7.0)
    settings().history[-1].shot = "frame-####.png"
    with pytest.raises(EngineError, match="is a shot of many pictures"):
        scripting.enlarge(2)
