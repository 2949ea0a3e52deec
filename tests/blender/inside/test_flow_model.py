"""A model of a flow family in Blender: a grid of 16 pixels, a picture, and the same once more."""

import os
import subprocess
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
import scenes
from scenes import file_of

HOSTS = "oldest and newest"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def z_image(tmp_path: Path) -> Path:
    """A small Z-Image of random weights, as the engine's own Python builds it."""
    folder = tmp_path / "z-image"
    script = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from tests.engine.tiny_flow_models import z_image\n"
        "z_image().save_pretrained(sys.argv[1])\n"
    )
    engine = [os.environ["MIXDIFF_ENGINE_PYTHON"], "-c", script, str(folder), str(ROOT)]
    subprocess.run(engine, check=True, capture_output=True)
    return folder


def test_a_scene_is_made_on_its_grid_and_its_picture_makes_itself_again(
    street: Any, z_image: Path, tmp_path: Path
) -> None:
    street.render.resolution_x, street.render.resolution_y = 136, 72
    street.mixdiff.model = str(z_image)
    scenes.update()
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}
    image = street.mixdiff.result
    assert [side % 16 for side in image.size] == [0, 0]
    path = Path(file_of(image))
    again = tmp_path / "again.png"
    words = ["-m", "engine", "generate", str(path), "--output", str(again), "--device", "cpu"]
    engine = [os.environ["MIXDIFF_ENGINE_PYTHON"], *words]
    subprocess.run(engine, check=True, capture_output=True, cwd=ROOT)
    first = scenes.pixels(path)
    assert first[..., :3].std() > 0
    assert np.abs(scenes.pixels(again) - first).max() <= 1
