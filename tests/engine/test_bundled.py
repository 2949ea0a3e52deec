"""The model in the box: it loads anywhere, it is small, and it paints what was asked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diffusers import StableDiffusionPipeline
from PIL import Image

from engine.cli import main
from engine.contract.catalogue import BUNDLED_FOLDER

MEBIBYTE = 2**20
EXAMPLE = Path(__file__).parents[2] / "examples/mask.json"
PICTURES = os.environ.get("MIXDIFF_PICTURES")  # a folder that keeps docs/pictures/mask.png


def painted(folder: Path, **changes: Any) -> np.ndarray:
    """Return the picture of a job of two regions side by side, (128, 224, 3) in [0, 1]."""
    place = {"type": "text2image", "row_init": 0, "row_end": 128, "guidance_scale": 4}
    job: Mapping[str, Any] = {
        "version": 1,
        "num_inference_steps": 16,
        "seed": 3,
        "canvas_height": 128,
        "canvas_width": 224,
        "regions": [
            {**place, "col_init": 0, "col_end": 128, "prompt": "red brick wall"},
            {**place, "col_init": 96, "col_end": 224, "prompt": "green grass"},
        ],
        **changes,
    }
    path, output = folder / "job.json", folder / "out.png"
    path.write_text(json.dumps(job))
    assert main(["generate", str(path), "--output", str(output), "--device", "cpu"]) == 0
    return np.asarray(Image.open(output).convert("RGB")).astype(float) / 255


def test_it_has_at_most_32_mb_and_no_pickle() -> None:
    files = [path for path in BUNDLED_FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 32 * MEBIBYTE
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".txt", ".md"}


def test_plain_diffusers_loads_it() -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(BUNDLED_FOLDER, safety_checker=None)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.vae_scale_factor == 8
    assert pipeline.unet.config.in_channels == 4
    assert json.loads((BUNDLED_FOLDER / "mixdiff.json").read_text())["trained"] is True


@pytest.mark.slow
def test_left_is_red_bricks_and_right_is_green_grass(tmp_path: Path) -> None:
    picture = painted(tmp_path)
    left, right = picture[:, :96].mean((0, 1)), picture[:, 128:].mean((0, 1))
    assert left[0] > 1.25 * left[1]
    assert left[0] > 1.25 * left[2]
    assert right[1] > 1.25 * right[0]
    assert right[1] > 1.25 * right[2]


@pytest.mark.slow
def test_a_negative_prompt_takes_the_colour_away(tmp_path: Path) -> None:
    place = {"type": "text2image", "row_init": 0, "row_end": 128, "col_init": 0, "col_end": 224}
    region = {**place, "prompt": "bricks", "guidance_scale": 5}
    job = {"regions": [region], "seed": 5}
    plain = painted(tmp_path, **job).mean((0, 1))
    without_red = painted(tmp_path, **job, negative_prompt="red bricks").mean((0, 1))
    assert without_red[0] - without_red[2] < plain[0] - plain[2] - 0.03


@pytest.mark.slow
def test_the_example_s_house_has_its_mask_s_shape(tmp_path: Path) -> None:
    document = json.loads(EXAMPLE.read_text())
    rectangle = tmp_path / "rectangle.json"
    regions = [{**region, "mask": None} for region in document["regions"]]
    rectangle.write_text(json.dumps({**document, "regions": regions}))
    pictures = []
    for job in (rectangle, EXAMPLE):
        output = tmp_path / "out.png"
        assert main(["generate", str(job), "--output", str(output), "--device", "cpu"]) == 0
        pictures.append(np.asarray(Image.open(output).convert("RGB")))

    without, masked = (picture.astype(float) for picture in pictures)
    beside_the_gable, wall = (slice(40, 72), slice(72, 104)), (slice(112, 144), slice(128, 192))
    sky, bricks = masked[beside_the_gable].mean((0, 1)), masked[wall].mean((0, 1))
    assert sky[2] > 1.25 * sky[0]
    assert bricks[0] > 1.25 * bricks[2]
    unmasked = without[beside_the_gable].mean((0, 1))
    assert unmasked[0] > 1.25 * unmasked[2]
    if PICTURES:
        gap = np.full((masked.shape[0], 16, 3), 255, np.uint8)
        both = np.concatenate([pictures[0], gap, pictures[1]], axis=1)
        Image.fromarray(both).save(Path(PICTURES) / "mask.png", optimize=True)
