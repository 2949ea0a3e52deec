"""The original's Python interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import LMSDiscreteScheduler
from PIL import Image

from engine.families.base import Model
from engine.pipelines import (
    CanvasRegion,
    Image2ImageRegion,
    RerollRegion,
    StableDiffusionCanvasPipeline,
    StableDiffusionTilingPipeline,
    Text2ImageRegion,
    preprocess_image,
)
from tests.engine.conftest import TINY_SD
from tests.engine.runs import generated

LMS = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}


def loaded(cls: Any) -> Any:
    scheduler = LMSDiscreteScheduler(**LMS)
    pipeline = cls.from_pretrained(TINY_SD, scheduler=scheduler, use_auth_token=True).to("cpu")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def canvas_pipeline() -> Any:
    return loaded(StableDiffusionCanvasPipeline)


@pytest.fixture(scope="module")
def tiling_pipeline() -> Any:
    return loaded(StableDiffusionTilingPipeline)


@pytest.fixture
def photo() -> torch.Tensor:
    values = np.random.default_rng(0).integers(0, 256, (70, 101, 3), dtype=np.uint8)
    return preprocess_image(Image.fromarray(values))


@pytest.mark.parametrize(
    "wrong",
    [
        {"row_end": 17},
        {"row_init": -512, "row_end": 0},
        {"noise_eps": -3},
        {"row_init": 64},
        {"noise_eps": float("nan")},
        {"col_end": 64.5},
        {"region_seed": -1},
    ],
)
def test_a_wrong_region_raises_value_error_when_it_is_made(wrong: dict[str, Any]) -> None:
    right = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    CanvasRegion(**right)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CanvasRegion(**{**right, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [{"mask_weight": -0.1}, {"mask_type": "majora"}, {"guidance_scale": "high"}, {"prompt": None}],
)
def test_a_wrong_text_region_raises_value_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Text2ImageRegion(0, 64, 0, 64, **wrong)


@pytest.mark.parametrize("strength", [-0.3, 1.1])
def test_a_wrong_strength_raises_value_error(strength: float, photo: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="strength"):
        Image2ImageRegion(0, 64, 0, 64, reference_image=photo, strength=strength)


def test_an_image_region_needs_a_picture() -> None:
    with pytest.raises(ValueError, match="reference_image"):
        Image2ImageRegion(0, 64, 0, 64)


def test_an_unknown_reroll_mode_raises_value_error() -> None:
    with pytest.raises(ValueError, match="reroll_mode"):
        RerollRegion(0, 64, 0, 64, reroll_mode="again")


def test_regions_keep_what_they_were_given(photo: torch.Tensor) -> None:
    text = Text2ImageRegion(8, 64, 0, 48, 12345, 0.1, "a prompt", 15.0, "quartic", 1.5)
    assert (text.row_init, text.row_end, text.col_init, text.col_end) == (8, 64, 0, 48)
    assert (text.height, text.width) == (56, 48)
    assert (text.region_seed, text.noise_eps, text.prompt) == (12345, 0.1, "a prompt")
    assert (text.guidance_scale, text.mask_type, text.mask_weight) == (15.0, "quartic", 1.5)
    image = Image2ImageRegion(0, 48, 0, 64, reference_image=photo)
    assert image.reference_image is not None
    assert image.reference_image.shape == (1, 3, 48, 64)
    assert image.strength == 0.8


def test_what_is_left_open_is_drawn_when_the_region_is_made() -> None:
    made = [Text2ImageRegion(0, 64, 0, 64, guidance_scale=None) for _ in range(200)]
    assert len({region.region_seed for region in made}) > 150
    guidances = {region.guidance_scale for region in made}
    assert len(guidances) > 10
    assert guidances <= set(range(5, 30))


def test_a_picture_comes_down_to_a_multiple_of_32(photo: torch.Tensor) -> None:
    assert photo.shape == (1, 3, 64, 96)
    assert photo.min() >= -1
    assert photo.max() <= 1


@pytest.mark.parametrize("cpu_vae", [False, True])
@pytest.mark.parametrize("with_image", [False, True])
def test_four_overlapping_regions_on_a_small_canvas_run(
    cpu_vae: bool, with_image: bool, canvas_pipeline: Any, photo: torch.Tensor
) -> None:
    regions: list[CanvasRegion] = [
        Text2ImageRegion(0, 48, 0, 48, prompt="Something"),
        Text2ImageRegion(16, 64, 0, 48, prompt="Something else"),
        Text2ImageRegion(0, 48, 16, 64, prompt="Something more"),
        Text2ImageRegion(16, 64, 16, 64, prompt="One last thing"),
    ]
    if with_image:
        regions.append(Image2ImageRegion(16, 64, 0, 48, reference_image=photo, strength=0.5))
    result = canvas_pipeline(
        canvas_height=64, canvas_width=64, regions=regions, num_inference_steps=3, cpu_vae=cpu_vae
    )
    assert result["sample"][0].size == (64, 64)


def test_decode_steps_gives_a_picture_of_every_step(canvas_pipeline: Any) -> None:
    result = canvas_pipeline(
        64, 96, [Text2ImageRegion(0, 64, 0, 96, prompt="x")], 4, decode_steps=True
    )
    assert [step[0].size for step in result["steps_images"]] == [(96, 64)] * 4
    last, sample = (np.asarray(p) for p in (result["steps_images"][-1][0], result["sample"][0]))
    assert np.array_equal(last, sample)


def test_the_pipeline_and_the_job_make_the_same_picture(canvas_pipeline: Any, tiny: Model) -> None:
    place: dict[str, Any] = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    reroll = {**place, "region_seed": 8, "noise_eps": 0.3, "reroll_mode": "epsilon"}
    region = {**place, "prompt": "a house", "guidance_scale": 8, "region_seed": 1}
    result = canvas_pipeline(
        canvas_height=64,
        canvas_width=64,
        regions=[Text2ImageRegion(**region)],
        reroll_regions=[RerollRegion(**reroll)],
        num_inference_steps=4,
        seed=7178915308,
    )
    job = {
        "scheduler": "lms",
        "num_inference_steps": 4,
        "seed": 7178915308,
        "canvas_height": 64,
        "canvas_width": 64,
        "regions": [{"type": "text2image", **region}],
        "reroll_regions": [reroll],
    }
    assert np.array_equal(np.asarray(result["sample"][0]), generated(job, tiny).picture)


def test_the_tiling_pipeline_and_a_grid_file_make_the_same_picture(
    tiling_pipeline: Any, tiny: Model
) -> None:
    result = tiling_pipeline(
        prompt=[["a", "b"], ["c", "d"]],
        tile_height=64,
        tile_width=48,
        tile_row_overlap=16,
        tile_col_overlap=16,
        guidance_scale=8,
        guidance_scale_tiles=[[None, 3], [None, None]],
        seed_tiles=[[None, 4], [5, None]],
        seed_tiles_mode=[["full", "exclusive"], ["full", "full"]],
        seed_reroll_regions=[(0, 16, 8, 24, 99)],
        seed=7178915308,
        num_inference_steps=3,
    )
    grid = {
        "prompt": [["a", "b"], ["c", "d"]],
        "tile_height": 64,
        "tile_width": 48,
        "tile_row_overlap": 16,
        "tile_col_overlap": 16,
        "gc": 8,
        "gc_tiles": [[None, 3], [None, None]],
        "seed_tiles": [[None, 4], [5, None]],
        "seed_tiles_mode": [["full", "exclusive"], ["full", "full"]],
        "seed_reroll_regions": [[0, 16, 8, 24, 99]],
        "seed": 7178915308,
        "steps": 3,
        "scheduler": "lms",
    }
    assert result["sample"][0].size == (80, 112)
    assert np.array_equal(np.asarray(result["sample"][0]), generated(grid, tiny).picture)


def test_a_single_prompt_is_one_tile(tiling_pipeline: Any) -> None:
    result = tiling_pipeline(
        "alone",
        2,
        tile_height=64,
        tile_width=48,
        tile_row_overlap=0,
        tile_col_overlap=0,
        seed=1,
        seed_tiles_mode=StableDiffusionTilingPipeline.SeedTilesMode.FULL.value,
    )
    assert result["sample"][0].size == (48, 64)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"prompt": [["a", "b"], ["c"]]}, "prompt"),
        ({"seed_tiles_mode": "majora"}, "seed_tiles_mode"),
        ({"seed_tiles": [[1]]}, "seed_tiles"),
        ({"tile_col_overlap": 64}, "tile_col_overlap"),
        ({"eta": 0.5}, "eta"),
    ],
)
def test_a_wrong_grid_raises_value_error(
    wrong: dict[str, Any], field: str, tiling_pipeline: Any
) -> None:
    right = {"prompt": [["a", "b"]], "tile_height": 64, "tile_width": 64, "tile_row_overlap": 0}
    with pytest.raises(ValueError, match=field):
        tiling_pipeline(**{**right, "tile_col_overlap": 0, "seed": 1, **wrong})
