"""Prompts with weights: on in new scenes, off in former ones; what is odd is said at the region."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import former_files, scripting, snapshots, sync
from scenes import add_camera, add_region, empty_scene, file_of, pixels

HOSTS = "oldest and newest"


@pytest.fixture
def scene() -> Any:
    scene = empty_scene()
    add_camera(scene)
    scene.mixdiff.background = True
    return scene


def problems() -> list[str]:
    return [text.partition(";")[0] for text in scripting.problems()]


def test_a_new_scene_reads_weights_and_another_job_says_how_it_is_read(scene: Any) -> None:
    add_region("wall", "(red:1.3) bricks [old] BREAK moss")
    assert scripting.job()["prompt_syntax"] == "weights"
    assert problems() == []
    scene.mixdiff.prompt_syntax = "plain"
    assert scripting.job()["prompt_syntax"] == "plain"
    assert problems() == [
        'wall: prompt: "(red:1.3)" has no meaning here and is read as words',
        'wall: prompt: "BREAK" has no meaning here and is read as words',
    ]


def test_what_is_odd_about_a_weight_is_said_at_its_region(scene: Any) -> None:
    add_region("wall", "(red:1,3) bricks")
    add_region("sky", "(blue sky")
    scene.mixdiff.negative_prompt = "(fog:-2)"
    assert sorted(problems()) == [
        'negative_prompt: "fog" has the weight -2, which counts as 0',
        'sky: prompt: "(" has no partner and is read as words',
        'wall: prompt: "1,3" is no weight and is read as words',
    ]


def test_a_style_can_hold_a_regions_prompt_with_a_weight(scene: Any) -> None:
    add_region("wall", "bricks")
    scene.mixdiff.prompt = "({prompt}:1.2), [sketch]"
    assert scripting.job()["regions"][-1]["prompt"] == "(bricks:1.2), [sketch]"
    assert problems() == []


@pytest.mark.parametrize("version", [0, 2])
def test_a_scene_of_an_earlier_version_keeps_its_plain_words(scene: Any, version: int) -> None:
    add_region("wall", "bricks (old)")
    sync(scene)
    scene.mixdiff.property_unset("canvas_size")
    scene.mixdiff.defaults_version = version
    former_files.HANDLERS["load_post"](None)
    assert scripting.job()["prompt_syntax"] == "plain"
    assert scene.mixdiff.canvas_size == ("render" if version == 0 else "good")
    scene.mixdiff.prompt_syntax = "weights"
    former_files.HANDLERS["load_post"](None)
    assert scripting.job()["prompt_syntax"] == "weights"


def test_settings_of_a_result_that_knew_no_weights_are_plain_words(scene: Any) -> None:
    add_region("wall", "bricks")
    taken = snapshots.snapshot(scene)
    assert taken["canvas"].pop("prompt_syntax") == "weights"
    snapshots.restore(scene, taken)
    assert scene.mixdiff.prompt_syntax == "plain"


def test_both_ends_of_a_long_prompt_and_of_the_whole_pictures_change_the_picture(
    scene: Any,
) -> None:
    scene.mixdiff.num_inference_steps, scene.mixdiff.seed = 2, 1
    words = "an old wall of bricks with moss, " * 15  # beyond what the model sees at once
    wall = add_region("wall", "")

    def made(own: str, whole: str) -> Any:
        wall.mixdiff.prompt, scene.mixdiff.prompt = words + own, words + whole
        assert bpy.ops.mixdiff.generate() == {"FINISHED"}
        assert not [p for p in problems() if "cut" in p or "sees" in p]
        return pixels(Path(file_of(scene.mixdiff.result))).astype(int)

    first = made("red", "sketch")
    assert np.abs(made("blue", "sketch") - first).max() > 1
    assert np.abs(made("red", "photograph") - first).max() > 1
