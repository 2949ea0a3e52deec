"""A shot as an image sequence, in every use of results."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import scripting, wait
from scenes import add_plane, add_region, pixels, render, select, update

HOSTS = "oldest and newest"


def shown(scene: Any, frame: int, path: Path) -> Any:
    scene.frame_set(frame)
    return render(scene, path)[..., :3].astype(int)


@pytest.fixture
def shot_of_two(moving: Any, scene: Any) -> list[Any]:
    """The pixels of two frames that differ, and are the scene's result."""
    scene.mixdiff.seed = 5
    made = scripting.generate_range("4-5")
    found = [pixels(frame.file)[..., :3] for frame in made.frames]
    assert np.abs(found[0] - found[1]).max() > 8
    return found


def follows(scene: Any, tmp_path: Path, frames: list[Any], most: int = 3) -> None:
    for frame, expected in ((4, frames[0]), (5, frames[1]), (9, frames[1])):
        off = np.abs(shown(scene, frame, tmp_path / "seen.png") - expected)
        assert np.median(off) <= most, frame


@pytest.mark.parametrize("use", ["compositor", "world", "texture"])
def test_what_uses_a_shot_shows_its_frames(
    use: str, shot_of_two: list[Any], scene: Any, moving: Any, tmp_path: Path
) -> None:
    bpy.data.objects.remove(moving)
    if use == "compositor":
        bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    elif use == "world":
        bpy.ops.mixdiff.use_as_world(surrounding="BACKDROP")
    else:
        select(add_plane("screen"))
        bpy.ops.mixdiff.use_as_texture()
    follows(scene, tmp_path, shot_of_two)


def test_a_shot_is_projected_from_where_the_camera_stood_at_each_frame(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    wall = add_plane("wall", size=(9, 9), at=(0, 0, -1))
    scene.camera.keyframe_insert("location", frame=4)
    scene.camera.location.x = 1
    scene.camera.keyframe_insert("location", frame=5)
    made = scripting.generate_range("4-5")
    frames = [pixels(frame.file)[..., :3] for frame in made.frames]
    moving.hide_render = True
    select(wall)
    bpy.ops.mixdiff.project()
    for frame, expected in ((4, frames[0]), (5, frames[1])):
        off = np.abs(shown(scene, frame, tmp_path / "seen.png") - expected)
        assert np.median(off) <= 3, frame
    bpy.ops.mixdiff.take_projection_off()
    assert not [name for name in dict(wall.items()) if name.startswith("mixdiff_projection")]
    update()
    wait()


def test_a_projected_shot_paints_nothing_that_is_hidden_at_its_frame(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    wall = add_plane("wall", size=(9, 9), at=(0, 0, -1))
    scripting.generate_range("4-5")
    select(wall)
    bpy.ops.mixdiff.project()
    moving.hide_render = True
    for frame in (4, 5):
        levels = shown(scene, frame, tmp_path / "seen.png")[32]
        plain = np.nonzero(levels.sum(axis=-1) < 30)[0]
        middle = (moving.matrix_world.translation.x + 2) * 32
        assert np.abs([plain[0], plain[-1] + 1] - np.array([middle - 32, middle + 32])).max() <= 1
        assert len(plain) == plain[-1] + 1 - plain[0]


def test_saving_brings_the_depths_of_a_projected_shot_along(
    camera: Any, scene: Any, tmp_path: Path
) -> None:
    scene.mixdiff.num_inference_steps = 1
    wall = add_region("wall", "a wall")
    scripting.generate_range("4-5")
    select(wall)
    bpy.ops.mixdiff.project()
    (depth,) = (image for image in bpy.data.images if "mixdiff_ratio" in image)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    assert depth.filepath_raw.startswith("//mixdiff/walk-0001/depth-0001/")
    assert Path(bpy.path.abspath(depth.filepath_raw)).is_file()


def test_the_camera_background_plays(shot_of_two: list[Any], scene: Any) -> None:
    bpy.ops.mixdiff.use_as_background()
    user = scene.camera.data.background_images[0].image_user
    assert (user.frame_start, user.frame_duration, user.frame_offset) == (4, 2, 3)
