"""Reference pictures and strength maps from a scene's settings to its job, and back again."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import generation, job_cache, job_from_scene, scripting, snapshots, sync
from scenes import add_region, pixels, update

HOSTS = "oldest and newest"

SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
PLUS = "h94/IP-Adapter/models/ip-adapter-plus_sd15.safetensors"
LOOSE = "h94/IP-Adapter/models/ip-adapter_sd15.safetensors"


@pytest.fixture
def house(scene: Any, camera: Any) -> Any:
    """A scene with a region, and a picture that is in no file."""
    scene.mixdiff.model = SD15
    add_region("wall", "a brick wall")
    image = bpy.data.images.new("bricks", 8, 4)
    image.pixels = np.tile(np.float32([1, 0, 0, 1]), 32)
    return scene


def region() -> Any:
    return bpy.data.objects["wall"].mixdiff


def read() -> Any:
    update()
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def test_references_of_the_picture_and_of_regions_reach_the_job(house: Any, tmp_path: Path) -> None:
    whole = house.mixdiff.references.add()
    whole.image, whole.scale = bpy.data.images["bricks"], 0.8
    own = region().references.add()
    own.image, own.model, own.start, own.end = whole.image, LOOSE, 0.2, 0.7
    off = region().references.add()
    off.enabled = False
    found = read()
    assert not found.errors, found.errors
    (canvas,) = found.job.references
    assert (canvas.model, canvas.scale, canvas.start, canvas.end) == (PLUS, 0.8, 0.0, 1.0)
    (mine,) = found.job.text_regions[0].references
    assert (mine.model, mine.scale, mine.start, mine.end) == (LOOSE, 0.6, 0.2, 0.7)
    assert mine.image == canvas.image
    found.write_images(tmp_path)
    written = pixels(tmp_path / mine.image)
    assert written.shape[:2] == (4, 8)
    assert (written[..., :3] == (255, 0, 0)).all()


def test_what_stands_in_the_way_is_said_of_its_region(house: Any) -> None:
    region().references.add()
    (problem,) = read().errors
    assert (problem.region, "has no picture" in problem.message) == ("wall", True)
    region().references[0].image = bpy.data.images["bricks"]
    assert not read().errors
    for model, said in (
        ("bundled", "no IP-Adapter is known"),
        ("Qwen/Qwen-Image", "follows no reference pictures"),
    ):
        house.mixdiff.model = model
        assert any(said in str(problem) for problem in read().errors)
    region().references[0].scale = 0
    assert not read().errors
    house.mixdiff.model, region().references[0].scale = "black-forest-labs/FLUX.2-klein-4B", 0.6
    found = read()
    assert not found.errors
    assert found.job.text_regions[0].references[0].model is None


def test_a_strength_map_is_written_as_the_brightness_that_it_shows(
    house: Any, tmp_path: Path
) -> None:
    grey = bpy.data.images.new("map", 4, 4)
    grey.pixels = np.tile(np.float32([0.5, 0.5, 0.5, 1]), 16)
    settings = region()
    settings.type, settings.reference_image = "image2image", bpy.data.images["bricks"]
    settings.strength_map = grey
    house.mixdiff.background_prompt = "grass"
    found = read()
    (photo,) = found.job.image_regions
    found.write_images(tmp_path)
    assert abs(int(pixels(tmp_path / photo.strength_map)[0, 0, 0]) - 128) <= 1
    settings.strength_map = None
    assert read().job.image_regions[0].strength_map is None


def test_pictures_are_kept_beside_the_result_by_their_content(house: Any, tmp_path: Path) -> None:
    region().references.add().image = bpy.data.images["bricks"]
    pending = generation.prepare(house, bpy.context.evaluated_depsgraph_get())
    kept = generation.with_kept_sources(pending.job, pending.folder, tmp_path)
    (reference,) = kept.text_regions[0].references
    assert reference.image.startswith("sources/")
    first = (tmp_path / reference.image).read_bytes()
    again = generation.prepare(house, bpy.context.evaluated_depsgraph_get())
    same = generation.with_kept_sources(again.job, again.folder, tmp_path)
    assert same.text_regions[0].references == (reference,)
    assert (tmp_path / reference.image).read_bytes() == first


def test_a_snapshot_brings_references_back_and_a_change_is_noticed(house: Any) -> None:
    region().references.add().image = bpy.data.images["bricks"]
    update()
    before, taken = job_cache._settings_of(house), snapshots.snapshot(house)
    region().references[0].scale = 0.9
    assert job_cache._settings_of(house) != before
    region().references.clear()
    house.mixdiff.references.add()
    assert job_cache._settings_of(house) != before
    snapshots.restore(house, taken)
    (back,) = region().references
    assert (back.image, back.scale) == (bpy.data.images["bricks"], pytest.approx(0.6))
    assert not len(house.mixdiff.references)
    assert job_cache._settings_of(house) == before


def test_the_strength_can_be_keyframed(house: Any) -> None:
    reference = region().references.add()
    reference.image = bpy.data.images["bricks"]
    for frame, scale in ((1, 0.0), (11, 1.0)):
        reference.scale = scale
        owner = bpy.data.objects["wall"]
        assert owner.keyframe_insert("mixdiff.references[0].scale", frame=frame)
    house.frame_set(6)
    assert read().job.text_regions[0].references[0].scale == pytest.approx(0.5, abs=1e-3)


def test_a_script_marks_with_references(house: Any) -> None:
    image, wall = bpy.data.images["bricks"], bpy.data.objects["wall"]
    for scale in (0.5, 0.75):
        scripting.mark([wall], references=[{"image": image, "scale": scale}])
    (reference,) = scripting.job()["regions"][0]["references"]
    assert (reference["scale"], reference["model"]) == (0.75, PLUS)


def test_operators_add_choose_and_remove_references(house: Any) -> None:
    operators = bpy.ops.mixdiff
    assert operators.add_reference(image="bricks") == {"FINISHED"}
    assert house.mixdiff.references[0].image == bpy.data.images["bricks"]
    operators.choose_adapter(index=0, model=LOOSE)
    assert read().job.references[0].model == LOOSE
    bpy.context.view_layer.objects.active = bpy.data.objects["wall"]
    sync(house)
    assert operators.add_reference(of_region=True) == {"FINISHED"}
    assert len(region().references) == 1
    operators.remove_reference(index=0, of_region=True)
    operators.remove_reference(index=0)
    assert not len(region().references)
    assert not len(house.mixdiff.references)
    with pytest.raises(RuntimeError, match="no reference picture 3"):
        operators.remove_reference(index=3)
    with pytest.raises(RuntimeError, match="no image 'nothing'"):
        operators.add_reference(image="nothing")
