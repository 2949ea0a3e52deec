"""The base pass in a scene: what it says, its picture, and the same once more from the PNG."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
import scenes
from addon import history, presets, read_job, scripting
from scenes import pixels, select

HOSTS = "oldest and newest"
ROOT = Path(__file__).parents[3]


def base() -> dict[str, Any]:
    scenes.update()
    return {key: value for key, value in scripting.job().items() if key.startswith("base_")}


def made() -> Any:
    return json.loads(bpy.context.scene.mixdiff.history[-1].job)


def last() -> Path:
    path: Path = history.path_of(bpy.context.scene.mixdiff.history[-1])
    return path


def test_it_is_off_until_somebody_gives_it_a_strength(street: Any) -> None:
    street.mixdiff.base_prompt = "a street"
    off = {"base_prompt": "", "base_guidance_scale": 7.5, "base_strength": 0.0, "base_end": 0.5}
    assert base() == off
    street.mixdiff.base_strength = 0.3
    assert base() == {**off, "base_prompt": "a street", "base_strength": 0.3}


def test_without_a_prompt_of_its_own_it_shows_all_that_the_picture_shows(street: Any) -> None:
    settings = street.mixdiff
    settings.base_strength, settings.guidance_scale = 0.3, 3.0
    assert base()["base_prompt"] == "a brick wall, green grass"
    settings.background_prompt, settings.prompt = "a {{village}}", "{prompt} at dusk"
    bpy.data.objects["right"].mixdiff.prompt = "{object} of a house"
    assert base()["base_prompt"] == "a {village}, a brick wall, right of a house at dusk"
    bpy.data.objects["right"].mixdiff.prompt = "a brick wall"
    assert base()["base_prompt"] == "a {village}, a brick wall at dusk"
    settings.base_prompt = "frame {frame} of a street"
    street.frame_set(7)
    assert base()["base_prompt"] == "frame 7 of a street at dusk"
    assert base()["base_guidance_scale"] == 3.0
    settings.base_prompt = "a {streeet}"
    assert any("streeet" in problem for problem in scripting.problems())


@pytest.mark.parametrize("tile_size", [0, 64], ids=["whole", "smaller"])
def test_its_picture_is_another_and_its_png_makes_itself_again(
    street: Any, tmp_path: Path, tile_size: int
) -> None:
    street.mixdiff.tile_size = tile_size
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}
    before = pixels(last())
    street.mixdiff.base_strength, street.mixdiff.base_end = 0.7, 1.0
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}
    path = last()
    assert read_job(path) == made()
    assert made()["base_prompt"] == "a brick wall, green grass"
    first, again = pixels(path), tmp_path / "again.png"
    assert (first != before).mean() > 0.2
    words = ["-m", "engine", "generate", str(path), "--output", str(again), "--device", "cpu"]
    engine = [os.environ["MIXDIFF_ENGINE_PYTHON"], *words]
    subprocess.run(engine, check=True, capture_output=True, cwd=ROOT)
    assert np.abs(pixels(again) - first).max() <= 1


def test_a_part_made_anew_is_told_what_the_whole_shows_now(street: Any) -> None:
    street.mixdiff.base_strength = 0.5
    for name in ("left", "right"):
        bpy.data.objects[name].mixdiff.mask_type = "feather"
    bpy.ops.mixdiff.generate()
    before = pixels(last())
    select(bpy.data.objects["right"])
    bpy.data.objects["right"].mixdiff.prompt = "a red house"
    bpy.ops.mixdiff.again()
    assert made()["base_prompt"] == "a brick wall, a red house"
    assert np.array_equal(pixels(last())[:, :48], before[:, :48])


def test_an_earlier_result_brings_back_what_it_had_of_it(street: Any) -> None:
    settings = street.mixdiff
    bpy.ops.mixdiff.generate()
    settings.base_strength, settings.base_end, settings.base_prompt = 0.25, 0.75, "a street"
    bpy.ops.mixdiff.generate()
    without, entry = settings.history
    taken = json.loads(without.settings)
    for key in ("base_prompt", "base_strength", "base_end"):
        taken["canvas"].pop(key)  # as an earlier version wrote it
    without.settings = json.dumps(taken)
    history.restore(street, without)
    assert settings.base_strength == 0
    history.restore(street, entry)
    assert (settings.base_strength, settings.base_end) == (0.25, 0.75)
    assert settings.base_prompt == "a street"
    settings.property_unset("base_strength")
    entry.settings = ""  # as a picture that was loaded from its file
    history.restore(street, entry)
    assert settings.base_strength == 0.25


def test_a_preset_with_its_model_keeps_it(street: Any) -> None:
    street.mixdiff.base_strength = 0.3
    scripting.save_preset("Whole", with_model=True)
    street.mixdiff.base_strength = 0.0
    try:
        scripting.use_preset("Whole")
        assert base()["base_strength"] == 0.3
    finally:
        shutil.rmtree(presets.own_folder())
        presets.look_again()
