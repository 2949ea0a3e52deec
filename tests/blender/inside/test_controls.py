"""Controls from a scene's settings to its job, kept beside results, and back again."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import (
    EngineError,
    generation,
    job_cache,
    job_from_scene,
    scripting,
    show_control,
    snapshots,
    sync,
)
from scenes import add_plane, add_region, in_blender, pixels, update

HOSTS = "oldest and newest"

SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"


@pytest.fixture
def held(scene: Any, camera: Any) -> Any:
    """A scene with a region, held to its depth."""
    scene.mixdiff.model = SD15
    add_region("wall", "a brick wall")
    scene.mixdiff.controls.add().kind = "depth"
    return scene


def read() -> Any:
    update()
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def test_controls_of_the_picture_and_of_regions_reach_the_job(held: Any) -> None:
    control = held.mixdiff.controls[0]
    control.scale, control.end = 0.8, 0.6
    region = bpy.data.objects["wall"]
    own = region.mixdiff.controls.add()
    own.kind, own.scale = "edges", 0.3
    off = region.mixdiff.controls.add()
    off.kind, off.enabled = "normal", False
    job = read().job
    (canvas,) = job.controls
    assert (canvas.kind, canvas.scale, canvas.start, canvas.end) == ("depth", 0.8, 0.0, 0.6)
    assert canvas.model == "lllyasviel/control_v11f1p_sd15_depth"
    (edges,) = job.text_regions[0].controls
    assert (edges.kind, edges.scale, edges.area) == ("edges", 0.3, "canvas")
    assert edges.model == "lllyasviel/control_v11p_sd15_canny"


def test_the_strength_of_a_region_s_control_can_be_keyframed(held: Any) -> None:
    region = bpy.data.objects["wall"]
    region.mixdiff.controls.add().kind = "depth"
    for frame, scale in ((1, 0.0), (11, 1.0)):
        region.mixdiff.controls[0].scale = scale
        assert region.keyframe_insert("mixdiff.controls[0].scale", frame=frame)
    held.frame_set(6)
    assert read().job.text_regions[0].controls[0].scale == pytest.approx(0.5, abs=1e-3)


def test_pictures_are_written_once_in_register_with_the_canvas(held: Any, tmp_path: Path) -> None:
    add_plane("near", size=(1, 1), at=(1, 0, 1))
    region = bpy.data.objects["wall"]
    region.mixdiff.controls.add().kind = "depth"
    found = read()
    (name,) = {control.image for control in (*found.job.controls, *found.job.regions[0].controls)}
    found.write_images(tmp_path)
    depth = pixels(tmp_path / name)
    assert depth.shape[:2] == (found.job.canvas_height, found.job.canvas_width)
    assert (depth[16:48, 80:112, 0] == 255).all()
    assert depth[..., 0].sum() == 32 * 32 * 255


def test_a_picture_of_a_person_s_lies_over_the_region_and_one_that_is_missing_is_said(
    held: Any, tmp_path: Path
) -> None:
    image = bpy.data.images.new("pose", 8, 8)
    region = bpy.data.objects["wall"]
    own = region.mixdiff.controls.add()
    own.kind = "pose"
    assert any("has no picture" in str(problem) for problem in read().errors)
    own.image = image
    found = read()
    assert not found.errors, found.errors
    assert found.job.text_regions[0].controls[0].area == "region"
    found.write_images(tmp_path)
    assert pixels(tmp_path / found.job.text_regions[0].controls[0].image).shape[:2] == (8, 8)


def test_a_model_without_controlnets_says_so_and_strength_0_asks_for_none(held: Any) -> None:
    held.mixdiff.model = "bundled"
    assert any("no ControlNet for depth is known" in str(p) for p in read().errors)
    held.mixdiff.controls[0].scale = 0
    assert not read().errors


def test_control_pictures_are_kept_beside_the_result_by_their_content(
    held: Any, tmp_path: Path
) -> None:
    pending = generation.prepare(held, bpy.context.evaluated_depsgraph_get())
    kept = generation.with_kept_sources(pending.job, pending.folder, tmp_path)
    (control,) = kept.controls
    assert control.image.startswith("sources/")
    first = (tmp_path / control.image).read_bytes()
    again = generation.prepare(held, bpy.context.evaluated_depsgraph_get())
    assert generation.with_kept_sources(again.job, again.folder, tmp_path).controls == (control,)
    assert (tmp_path / control.image).read_bytes() == first
    assert np.asarray(pixels(tmp_path / control.image)).shape[:2] == (64, 128)


def test_a_snapshot_brings_controls_back(held: Any) -> None:
    region = bpy.data.objects["wall"]
    region.mixdiff.controls.add().kind = "edges"
    taken = snapshots.snapshot(held)
    held.mixdiff.controls.clear()
    region.mixdiff.controls[0].kind = "normal"
    region.mixdiff.controls.add()
    snapshots.restore(held, taken)
    assert [one.kind for one in held.mixdiff.controls] == ["depth"]
    assert [one.kind for one in region.mixdiff.controls] == ["edges"]
    snapshots.restore(held, {"canvas": {"controls": "nonsense"}})
    assert [one.kind for one in held.mixdiff.controls] == ["depth"]


def test_a_changed_control_is_noticed_and_an_unchanged_one_is_not(held: Any) -> None:
    update()
    before = job_cache._settings_of(held)
    assert job_cache._settings_of(held) == before
    held.mixdiff.controls[0].scale = 0.25
    after = job_cache._settings_of(held)
    assert after != before
    bpy.data.objects["wall"].mixdiff.controls.add()
    assert job_cache._settings_of(held) != after


def test_operators_add_look_at_and_remove_controls(held: Any) -> None:
    operators = bpy.ops.mixdiff
    assert operators.add_control(kind="edges") == {"FINISHED"}
    assert operators.add_control(kind="pose") == {"FINISHED"}
    assert [(one.kind, one.source) for one in held.mixdiff.controls] == [
        ("depth", "scene"),
        ("edges", "scene"),
        ("pose", "picture"),
    ]
    operators.choose_controlnet(index=1, model="lllyasviel/control_v11p_sd15_lineart")
    assert read().job.controls[1].model == "lllyasviel/control_v11p_sd15_lineart"
    operators.remove_control(index=2)
    bpy.context.view_layer.objects.active = bpy.data.objects["wall"]
    sync(held)
    operators.add_control(kind="depth", of_region=True)
    assert [one.kind for one in bpy.data.objects["wall"].mixdiff.controls] == ["depth"]
    with pytest.raises(RuntimeError, match="no control 9"):
        operators.remove_control(index=9)


def test_a_control_is_looked_at_as_an_image_of_its_own_brought_up_to_date(held: Any) -> None:
    add_plane("near", size=(1, 1), at=(1, 0, 1))
    update()
    bpy.ops.mixdiff.preview_control(kind="depth")
    image = show_control(held, bpy.context.evaluated_depsgraph_get(), "depth")
    assert image.name == "Scene Depth"
    assert tuple(image.size) == (128, 64)
    levels = in_blender(image)
    assert (levels[20:44, 84:108, 0] == 1).all()
    assert image.packed_file is not None
    bpy.data.objects["near"].location.x = -1
    update()
    bpy.ops.mixdiff.preview_control(kind="depth")
    assert (in_blender(image)[20:44, 20:44, 0] == 1).all()
    assert len([one for one in bpy.data.images if one.name.startswith("Scene Depth")]) == 1


def test_a_script_writes_what_a_scene_gives(held: Any, tmp_path: Path) -> None:
    for kind in ("depth", "normal", "edges", "segmentation"):
        path = scripting.write_control(kind, tmp_path / f"{kind}.png")
        assert pixels(path).shape[:2] == (64, 128)
    assert (pixels(tmp_path / "segmentation.png")[32, 64, :3] == 120).all()  # a wall
    with pytest.raises(EngineError, match="gives no control picture"):
        scripting.write_control("pose", tmp_path / "pose.png")


def test_segments_are_those_of_objects_materials_and_collections(
    scene: Any, camera: Any, tmp_path: Path
) -> None:
    scene.mixdiff.background_prompt = "green grass"
    wall = add_plane("one", size=(1, 2), at=(-1.5, 0, 0))
    brick = bpy.data.materials.new("brick")
    wall.data.materials.append(brick)
    trees = bpy.data.collections.new("wood")
    scene.collection.children.link(trees)
    tree = add_plane("two", size=(1, 2), at=(1.5, 0, 0))
    trees.objects.link(tree)
    sky = add_plane("three", size=(1, 2), at=(-0.5, 0, 0))
    sky.mixdiff.enabled, sky.mixdiff.prompt = True, "the blue sky"
    update()
    bpy.ops.mixdiff.mark_material(material=brick.name)
    bpy.ops.mixdiff.mark_collection(collection=trees.name)
    for entry in scene.mixdiff.regions:
        if entry.object is None:
            entry.settings.prompt = "a brick wall" if entry.material else "an old tree"
    row = pixels(scripting.write_control("segmentation", tmp_path / "segments.png"))[32, :, :3]
    assert [tuple(row[at]) for at in (16, 48, 80, 112)] == [
        (120, 120, 120),
        (6, 230, 230),
        (4, 250, 7),
        (4, 200, 3),
    ]
