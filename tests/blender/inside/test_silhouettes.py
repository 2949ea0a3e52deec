"""Regions that cover what is seen of them: to the job, in hostile scenes, in the overlay."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import history, job_cache, read_job, scripting, shapes_of
from scenes import add_camera, add_plane, add_region, empty_scene, file_of, pixels, select, update
from seen import covered, read, said

HOSTS = "oldest and newest"


def seen(name: str, **place: Any) -> Any:
    """Add a plane that is a region with a silhouette without a soft edge."""
    region = add_region(name, name, **place)
    region.mixdiff.shape, region.mixdiff.feather_px = "silhouette", 0
    return region


def test_what_hides_a_region_has_what_it_hides(scene: Any, camera: Any) -> None:
    seen("wall", size=(2, 1))
    door = seen("door", size=(1, 0.5), at=(0, 0, 1))
    assert covered("wall").sum() == 64 * 32 * 4 - 32 * 16 * 4
    assert covered("door").sum() == 32 * 16 * 4
    assert (covered("wall") + covered("door")).max() == 1
    door.mixdiff.enabled = False
    assert covered("wall").sum() == 64 * 32 * 4 - 32 * 16 * 4  # a thing all the same
    for name, value in (("hide_render", True), ("visible_camera", False)):
        before = getattr(door, name)
        setattr(door, name, value)
        assert covered("wall").sum() == 64 * 32 * 4
        setattr(door, name, before)


def test_a_region_behind_everything_is_left_out_and_that_is_said(scene: Any, camera: Any) -> None:
    wall = seen("wall", size=(1, 1))
    seen("door", size=(2, 2), at=(0, 0, 1))
    assert said("wall") == [
        "is hidden behind other things and is left out; move it to where the camera sees it, "
        "choose the shape Rectangle, or switch it off"
    ]
    wall.mixdiff.shape = "rectangle"
    assert said("wall") == []


def test_a_guide_hides_nothing_and_nothing_hides_it(scene: Any, camera: Any) -> None:
    seen("wall", size=(1, 1), at=(0, 0, 1))
    seen("guide", size=(0.5, 0.5)).mixdiff.guide = True
    assert covered("wall").sum() == 32 * 32 * 4
    assert covered("guide").sum() == 16 * 16 * 4


def test_a_soft_edge_reaches_outwards_but_over_no_neighbour(scene: Any, camera: Any) -> None:
    left = seen("left", size=(1, 1), at=(-0.5, 0, 0))
    seen("right", size=(1, 1), at=(0.5, 0, 0))
    hard = covered("left")
    left.mixdiff.feather_px = 8
    soft = covered("left")
    assert (soft[hard == 1] == 1).all()
    assert (soft[covered("right") == 1] == 0).all()
    row = soft[64, :65]  # from the frame's side to the edge
    assert row[47] < row[56] < row[60] < row[63] < 1
    assert np.abs(row[56] - 0.5) < 0.1  # half of the way


def test_the_background_has_what_silhouettes_leave_free(
    scene: Any, camera: Any, tmp_path: Path
) -> None:
    scene.mixdiff.background, scene.mixdiff.background_prompt = True, "a meadow"
    wall = seen("wall", size=(2, 1))
    job = read()
    background, region = job.job.regions
    assert (background.prompt, background.mask_weight, region.mask_weight) == ("a meadow", 1.0, 1.0)
    job.write_images(tmp_path)
    free = pixels(tmp_path / background.mask)[..., 0]
    assert ((free == 0) == (covered("wall") == 1)).all()
    wall.scale = (5, 3, 1)
    assert [region.name for region in read().job.regions] == ["wall"]


def test_a_silhouette_is_a_mask_of_the_job_and_the_engine_takes_it(
    street: Any, tmp_path: Path
) -> None:
    left = bpy.data.objects["left"].mixdiff
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    left.shape, left.feather_px = "silhouette", 0
    job = json.loads(scripting.export_job(tmp_path / "job.json").read_text())
    first, second = job["regions"]
    assert (first["mask_type"], second["mask"]) == ("constant", None)
    assert pixels(tmp_path / first["mask"])[..., 0].max() == 255
    bpy.ops.mixdiff.generate()
    made = read_job(history.path_of(street.mixdiff.history[-1]))["regions"][0]
    assert made["mask"].startswith("sources/")
    kept = Path(file_of(street.mixdiff.result)).parent / made["mask"]
    assert (pixels(kept) == pixels(tmp_path / first["mask"])).all()
    left.shape = "rectangle"
    bpy.ops.mixdiff.use_settings()
    assert left.shape == "silhouette"


def test_a_mask_that_is_chosen_is_the_shape_and_stays_when_another_is(
    scene: Any, camera: Any
) -> None:
    wall = seen("wall", size=(2, 2))
    wall.mixdiff.mask = bpy.data.images.new("mask", 8, 8)
    assert wall.mixdiff.shape == "mask"
    assert read().job.regions[0].mask == "picture-1-mask.png"
    wall.mixdiff.shape = "rectangle"
    assert read().job.regions[0].mask is None
    assert wall.mixdiff.mask.name == "mask"


def test_an_image_region_keeps_its_picture_over_the_whole_object(scene: Any, camera: Any) -> None:
    wall = seen("wall", size=(2, 1))
    seen("door", size=(1, 0.5), at=(0, 0, 1))
    wall.mixdiff.type = "image2image"
    wall.mixdiff.reference_image = bpy.data.images.new("picture", 8, 8)
    region = read().job.regions[0]
    assert region.bounds == (16, 48, 32, 96)
    assert read().silhouettes[region.id].shares.sum() == 64 * 32 * 4 - 32 * 16 * 4


def test_what_is_no_thing_has_its_rectangle(scene: Any, camera: Any) -> None:
    bpy.ops.object.empty_add(type="IMAGE")
    empty = bpy.context.object
    empty.data = bpy.data.images.new("picture", 8, 8)
    empty.mixdiff.enabled, empty.mixdiff.shape, empty.mixdiff.prompt = True, "silhouette", "x"
    (region,) = read().job.regions
    assert region.mask is None
    select(empty)
    empty.mixdiff.enabled = False
    empty.mixdiff.property_unset("shape")
    bpy.ops.mixdiff.mark_regions()
    assert empty.mixdiff.shape == "rectangle"


# --- Hostile scenes -----------------------------------------------------------------------------


def test_an_object_without_faces_says_so_and_hides_nothing(scene: Any, camera: Any) -> None:
    seen("wall", size=(2, 1))
    mesh = bpy.data.meshes.new("points")
    mesh.from_pydata([(0, 0, 1), (1, 0, 1)], [(0, 1)], [])
    bare = bpy.data.objects.new("bare", mesh)
    scene.collection.objects.link(bare)
    bare.mixdiff.enabled, bare.mixdiff.shape, bare.mixdiff.prompt = True, "silhouette", "bare"
    assert "has no surface" in said("bare")[0]
    assert covered("wall").sum() == 64 * 32 * 4


def test_an_instance_of_an_empty_collection_says_so(scene: Any, camera: Any) -> None:
    instance = bpy.data.objects.new("instance", None)
    instance.instance_type = "COLLECTION"
    instance.instance_collection = bpy.data.collections.new("nothing")
    scene.collection.objects.link(instance)
    instance.mixdiff.enabled, instance.mixdiff.shape = True, "silhouette"
    instance.mixdiff.prompt = "nothing"
    assert "has no surface" in said("instance")[0]


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_inside_of_a_mesh_the_camera_sees_it_everywhere(kind: str) -> None:
    scene = empty_scene()
    camera = add_camera(scene, type=kind)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=5, location=camera.location)
    ball = bpy.context.object
    ball.mixdiff.enabled, ball.mixdiff.shape, ball.mixdiff.prompt = True, "silhouette", "ball"
    assert covered(ball.name).min() == 1


def test_what_is_not_finite_or_endless_hides_no_more_than_it_can(scene: Any, camera: Any) -> None:
    seen("wall", size=(2, 1))
    broken = add_plane("broken", size=(1, 1), at=(0, 0, 1))
    broken.data.vertices[0].co = (float("nan"), float("inf"), 1e38)
    flat = add_plane("flat", size=(1, 1), at=(0, 0, 1))
    flat.scale = (0, 0, 0)
    endless = add_plane("endless", size=(1e30, 1e30), at=(0, 0, -1))
    endless.mixdiff.enabled = True
    assert covered("wall").sum() > 64 * 32 * 4 / 2


def test_five_hundred_things_are_read_at_once(scene: Any, camera: Any) -> None:
    for row in range(20):
        for column in range(25):
            at = (column * 0.16 - 1.92, row * 0.1 - 0.95, 0)
            plane = bpy.data.objects.new(f"{row} {column}", _small_plane())
            plane.location = at
            scene.collection.objects.link(plane)
            plane.mixdiff.enabled, plane.mixdiff.prompt = True, "tile"
            plane.mixdiff.shape, plane.mixdiff.feather_px = "silhouette", 0
    job = read()
    assert len(job.silhouettes) == 500
    assert all(one.shares.max() == 1 for one in job.silhouettes.values())


def _small_plane() -> Any:
    known = bpy.data.meshes.get("small")
    if known is None:
        known = bpy.data.meshes.new("small")
        corners = [(-0.05, -0.03, 0), (0.05, -0.03, 0), (0.05, 0.03, 0), (-0.05, 0.03, 0)]
        known.from_pydata(corners, [], [(0, 1, 2, 3)])
    return known


# --- The overlay --------------------------------------------------------------------------------


def test_the_overlay_shows_what_is_covered_and_follows_what_hides_it(
    scene: Any, camera: Any
) -> None:
    seen("wall", size=(2, 1))
    door = add_plane("door", size=(1, 1), at=(0.5, 0, 1))
    update()
    layer = bpy.context.view_layer
    cached = job_cache._look_at(scene.name, layer.name)
    (shape,) = shapes_of(cached.job.job, {}, {}, cached.silhouettes)
    assert (shape.left, shape.right, shape.bottom, shape.top) == (0.25, 0.5, 0.25, 0.75)
    assert shape.silhouette.min() == 1
    door.location.x = 5
    update()
    after = job_cache._look_at(scene.name, layer.name)
    assert not after.is_like(cached)
    (shape,) = shapes_of(after.job.job, {}, {}, after.silhouettes)
    assert (shape.left, shape.right) == (0.25, 0.75)


# --- What is kept -------------------------------------------------------------------------------


def test_what_is_kept_is_what_would_be_read(scene: Any, camera: Any) -> None:
    wall = seen("wall", size=(2, 1))
    door = seen("door", size=(0.5, 0.5), at=(0, 0, 1))
    still = seen("still", size=(0.5, 0.5), at=(-1.5, 0.5, 0))
    for at in (-0.5, 0.0, 0.5, 0.5):
        door.location.x = at
        assert covered("wall").sum() == (64 * 32 - 16 * 16) * 4
        assert covered("door")[:, int((at + 2) * 64) - 16].sum() == 32
        assert covered("still").sum() == 16 * 16 * 4
    door.data.vertices[0].co.x = door.data.vertices[2].co.x = 0  # another form
    door.data.update()
    half = covered("door").sum()
    assert half == 16 * 16 * 4 / 2
    door.modifiers.new("row", "ARRAY").count = 2
    assert covered("door").sum() == 2 * half
    bpy.data.objects.remove(door)
    assert covered("wall").sum() == 64 * 32 * 4
    camera.data.ortho_scale = 8
    assert covered("wall").sum() == 32 * 16 * 4
    still.mixdiff.enabled = False
    wall.scale.x = 1
    assert covered("wall").sum() == 16 * 16 * 4


def test_a_feather_wider_than_any_picture_takes_no_memory(scene: Any, camera: Any) -> None:
    seen("wall", size=(0.5, 0.5)).mixdiff.feather_px = 2**31 - 1
    assert covered("wall").min() > 0.99
