"""What holds a shot's frames together: noise on surfaces, and the last frame carried along."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import SeenSurfaces, carried, read_job, scripting
from scenes import add_plane, add_region, pixels, update

HOSTS = "oldest and newest"


def look(scene: Any) -> Any:
    return SeenSurfaces.of(scene, bpy.context.evaluated_depsgraph_get(), 64, 128)


@pytest.mark.parametrize("lens", ["ORTHO", "PERSP"])
def test_noise_moves_with_its_surface_and_stays_beside_it(
    camera: Any, scene: Any, lens: str
) -> None:
    camera.data.type, camera.data.lens = lens, 90  # 4 units wide at a distance of 10
    add_plane("ground", size=(40, 40))
    sign = add_plane("sign", size=(1, 1), at=(-1, 0, 0.01))
    update()
    before = look(scene).noise_colours()
    sign.location.x += 1
    update()
    after = look(scene).noise_colours()
    moved = np.roll(before, 32, axis=1)
    assert (after[20:44, 52:76] == moved[20:44, 52:76]).all(axis=2).mean() > 0.9
    assert (after[:, 90:] == before[:, 90:]).all()
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > 500


def test_noise_stays_on_surfaces_while_the_camera_turns_and_the_sky_turns_too(
    camera: Any, scene: Any
) -> None:
    camera.data.type = "PERSP"
    for point in (False, True):
        if point:
            add_plane("ground", size=(90, 90))
        update()
        first = look(scene)
        camera.rotation_euler.y += 0.05
        update()
        second = look(scene)
        rows, columns, is_seen = second.came_from(first)
        assert 0.8 < is_seen.mean() < 1
        before = carried(first.noise_colours(), np.rint(rows), np.rint(columns))
        same = (before == second.noise_colours()).all(axis=2)
        assert same[is_seen].mean() > 0.5  # pieces are a few pixels wide, and sampled


def test_what_was_seen_is_found_where_it_was_and_what_was_hidden_is_not(
    camera: Any, scene: Any
) -> None:
    add_plane("ground", size=(40, 40))
    wall = add_plane("wall", size=(1, 2), at=(0, 0, 1))
    update()
    first = look(scene)
    camera.location.x += 0.5  # 16 pixels
    wall.location.x += 1.5
    update()
    rows, columns, is_seen = look(scene).came_from(first)
    here = np.indices((64, 128))
    assert np.allclose(columns[:, 10:30], here[1][:, 10:30] + 16)
    assert np.allclose(rows[:, 10:30], here[0][:, 10:30])
    assert is_seen[:, 10:30].all()
    assert not is_seen[:, 34:60].any()  # what the wall stood before
    assert is_seen[:, 82:110].all()  # the wall itself, where it is now
    assert np.allclose(columns[:, 82:110], here[1][:, 82:110] - 32)
    assert not is_seen[:, 114:].any()  # what came into view


def test_what_deforms_is_followed_by_its_faces(camera: Any, scene: Any) -> None:
    sheet = add_plane("sheet", size=(2, 2))
    sheet.shape_key_add(name="Basis")
    sheet.shape_key_add(name="Wide")
    for point in sheet.data.shape_keys.key_blocks["Wide"].data:
        point.co.x *= 2
    sheet.data.shape_keys.key_blocks["Wide"].value = 0
    update()
    first = look(scene)
    sheet.data.shape_keys.key_blocks["Wide"].value = 1
    update()
    _, columns, is_seen = look(scene).came_from(first)
    assert is_seen[:, 2:-2].all()
    assert np.allclose(columns[:, 2:-2], (np.arange(2, 126) + 0.5) / 2 + 31.5, atol=0.6)


@pytest.fixture
def walk(camera: Any, scene: Any, tmp_path: Path) -> Any:
    """A scene whose camera moves by 16 pixels a frame."""
    add_region("ground", "grass", size=(40, 40))
    for frame in (1, 2, 3):
        camera.location.x = 0.5 * frame
        camera.keyframe_insert("location", frame=frame)
    scene.mixdiff.seed = 3
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    return scene


def test_a_shot_with_noise_on_surfaces_repeats_itself_from_its_files(walk: Any) -> None:
    walk.mixdiff.coherence = "surfaces"
    made = scripting.generate_range("1-2")
    jobs = [read_job(frame.file) for frame in made.frames]
    maps = [
        pixels(frame.file.parent / job["noise_map"])
        for frame, job in zip(made.frames, jobs, strict=True)
    ]
    assert (maps[1][:, :110] == maps[0][:, 16:126]).all(axis=2).mean() > 0.9
    again = scripting.generate_range("1-2", resume=True)
    assert not any(frame.is_new for frame in again.frames)


def test_a_carried_frame_is_held_where_it_is_still_seen(walk: Any) -> None:
    walk.mixdiff.coherence, walk.mixdiff.carried_strength = "carried", 1
    made = scripting.generate_range("1-3")
    frames = [pixels(frame.file)[..., :3] for frame in made.frames]
    regions = [read_job(frame.file)["regions"] for frame in made.frames]
    assert [found[0]["name"] for found in regions] == ["ground", "carried", "carried"]
    file = made.frames[1].file.parent / regions[1][0]["reference_image"]
    assert np.abs(pixels(file)[:, :108, :3] - frames[0][:, 16:124]).max() <= 1
    mask = pixels(made.frames[1].file.parent / regions[1][0]["mask"])[..., 0]
    assert (mask[:, 4:108] == 255).all()
    assert (mask[:, 112:] == 0).all()
    made.frames[1].file.unlink()
    again = scripting.generate_range("1-3", resume=True)
    assert [frame.is_new for frame in again.frames] == [False, True, False]
