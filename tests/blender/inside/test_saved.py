"""A file that was saved by 0.1.0: its regions, its result and what is done with them."""

import json
import shutil
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import history, scripting
from scenes import file_of, place, select

HOSTS = "all"

SAVED = Path(__file__).parents[2] / "data/saved-0.1.0"
WIDE = [[32, 128, left, left + 128] for left in (0, 64, 128)]  # its tiles, as 0.1.0 cut them
SKY = [[0, 32, left, left + 128] for left in (0, 64, 128)]


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    """The file's scene."""
    shutil.copy(SAVED / "scene.blend", tmp_path)
    shutil.copytree(SAVED / "mixdiff", tmp_path / "mixdiff")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    return bpy.context.scene


def test_its_regions_and_its_result_are_there(saved: Any) -> None:
    assert [(r.name, r.prompt, r.rectangles) for r in scripting.regions()] == [
        ("wide wall", "a brick wall", ((32, 128, 0, 256),)),
        ("grass", "green grass", ((48, 128, 160, 256),)),
        ("a stormy sky", "", ((0, 32, 0, 256),)),
    ]
    job = scripting.job()
    assert len({region["id"] for region in job["regions"]}) == 3
    assert (job["scheduler"], job["seed"], job["max_region_px"]) == ("ddim", 7178915308, 128)
    assert not saved.mixdiff.nearer_first
    assert job["num_inference_steps"] == saved.mixdiff.num_inference_steps
    (entry,) = saved.mixdiff.history
    assert history.path_of(entry).is_file()
    assert list(saved.mixdiff.result.size) == [256, 128]


def test_its_settings_come_back_from_its_result(saved: Any) -> None:
    wide, sky = bpy.data.objects["wide wall"].mixdiff, saved.mixdiff.regions[2].settings
    wide.prompt, wide.guidance_scale, sky.mask_weight = "something else", 1, 9
    bpy.data.objects["grass"].mixdiff.region_seed = 1
    saved.mixdiff.seed, saved.mixdiff.scheduler = 1, "own"
    bpy.ops.mixdiff.use_settings()
    assert (wide.prompt, wide.guidance_scale, sky.mask_weight) == ("a brick wall", 4, 1)
    assert bpy.data.objects["grass"].mixdiff.region_seed == 5
    assert (saved.mixdiff.seed, saved.mixdiff.scheduler) == (7178915308, "ddim")


def test_one_region_of_its_result_varies_with_all_its_tiles_and_alone(saved: Any) -> None:
    def varied() -> list[list[int]]:
        saved.mixdiff.active_history = 0
        bpy.ops.mixdiff.vary(mode="reset")
        job = json.loads(saved.mixdiff.history[-1].job)
        assert len(job["regions"]) == 7
        return [place(region) for region in job["reroll_regions"]]

    select(bpy.data.objects["wide wall"])
    assert varied() == WIDE
    select()
    saved.mixdiff.active_region = 2
    assert varied() == SKY


def test_it_is_generated_again(saved: Any) -> None:
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}
    first, second = saved.mixdiff.history
    assert history.path_of(first).name == "scene-0001.png"
    assert file_of(saved.mixdiff.result) == str(history.path_of(second))
    names = [region["name"] for region in json.loads(second.job)["regions"]]
    assert names == ["wide wall", "grass", "a stormy sky"]
