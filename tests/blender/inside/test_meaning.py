"""What was asked for is what comes out of Blender's render."""

from pathlib import Path

import bpy
import pytest
from scenes import add_camera, add_region, empty_scene, render

HOSTS = "oldest and newest"


@pytest.mark.slow
def test_left_is_red_bricks_and_right_is_green_grass(tmp_path: Path) -> None:
    scene = empty_scene(256, 128)
    scene.mixdiff.model = "bundled"
    scene.mixdiff.num_inference_steps = 16
    scene.mixdiff.seed = 3
    add_camera(scene)
    for name, prompt, across in (("left", "red brick wall", -0.75), ("right", "green grass", 0.75)):
        region = add_region(name, prompt, size=(2.5, 2), at=(across, 0, 0))
        region.mixdiff.guidance_scale = 4
    bpy.ops.mixdiff.generate()
    assert scene.mixdiff.result_seed == "3"
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    picture = render(scene, tmp_path / "rendered.png")
    left, right = picture[:, :96].mean((0, 1)), picture[:, 160:].mean((0, 1))
    assert left[0] > 1.25 * max(left[1], left[2])
    assert right[1] > 1.25 * max(right[0], right[2])
