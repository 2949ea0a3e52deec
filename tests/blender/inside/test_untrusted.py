"""A .blend from someone else is data: whatever it holds, nothing breaks or leads outside."""

import json
import shutil
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from addon import (
    folders,
    history,
    png_of,
    read_job,
)
from foreign import JOB, SIDES, World, draw_panels, foreign_world, kept, write_result
from scenes import street, update

HOSTS = "oldest and newest"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return foreign_world(tmp_path, monkeypatch)


def test_only_the_picture_that_an_entry_made_is_deleted(world: World) -> None:
    settings = world.scene.mixdiff
    settings.output_folder = str(world.outside)
    entry = settings.history.add()
    entry.file, entry.job = str(world.mine), json.dumps({**JOB, "seed": 2})
    with pytest.raises(RuntimeError, match="is not this picture of MixDiff"):
        bpy.ops.mixdiff.remove_result(with_file=True)
    assert world.mine.is_file()
    entry.job = json.dumps(read_job(world.mine))
    bpy.ops.mixdiff.remove_result(with_file=True)
    assert not world.mine.exists()


@pytest.mark.parametrize("name", ["../../outside/p.png", "~/p.png", "../way/p.png"])
def test_a_variation_copies_no_picture_from_elsewhere(name: str, world: World) -> None:
    private = png_of(np.zeros((8, 8, 3), np.uint8))
    for folder in (world.outside, world.home):
        (folder / "p.png").write_bytes(private)
    entry = world.scene.mixdiff.history.add()
    image = {"type": "image2image", "reference_image": name, **SIDES}
    entry.job = json.dumps({**JOB, "regions": [*JOB["regions"], image]})
    entry.file = "//mixdiff/mine.png"
    with pytest.raises(RuntimeError, match="which is outside of its own folder"):
        bpy.ops.mixdiff.vary()
    assert not list(world.project.rglob("sources/*"))
    inside = world.project / "mixdiff" / "photo.png"
    inside.write_bytes(private)
    entry.job = entry.job.replace(name, "photo.png")
    bpy.ops.mixdiff.vary()
    assert len(list(world.project.rglob("sources/*"))) == 1


def test_pictures_are_not_kept_through_a_link_and_only_pictures_are(world: World) -> None:
    region, text = bpy.data.objects["left"].mixdiff, world.project / "mixdiff" / "photo.py"
    text.write_bytes(png_of(np.zeros((8, 8, 3), np.uint8)))
    region.type, region.reference_image = "image2image", bpy.data.images.load(str(text))
    world.before = world.files()
    bpy.ops.mixdiff.generate()
    (kept_one,) = (world.project / "mixdiff" / "sources").iterdir()
    assert kept_one.suffix == ""
    shutil.rmtree(kept_one.parent)
    kept_one.parent.symlink_to(world.outside)
    with pytest.raises(RuntimeError, match=r"sources.* leads out of .*mixdiff"):
        bpy.ops.mixdiff.generate()
    world.require_untouched()


def test_saving_brings_nothing_along_from_outside(world: World, tmp_path: Path) -> None:
    scene = street()
    bpy.ops.mixdiff.generate()
    (entry,) = scene.mixdiff.history
    file, job = history.path_of(entry), json.loads(entry.job)
    other = folders.unsaved_folder() / "other.png"
    write_result(other, {**JOB, "seed": 3})
    secret = folders.user_folder() / "secret.png"
    secret.write_bytes(b"secret")
    image = {"type": "image2image", "reference_image": "../secret.png", **SIDES}
    job["regions"].append(image)
    entry.job = json.dumps(job)
    write_result(file, job)
    foreign = scene.mixdiff.history.add()
    foreign.file, foreign.job = str(other), json.dumps(JOB)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deep" / "a.blend"), check_existing=False)
    assert [path.name for path in (tmp_path / "deep").rglob("*.png")] == ["a-0001.png"]
    assert not list(tmp_path.rglob("secret.png"))
    assert entry.file == "//mixdiff/a-0001.png"
    assert scene.mixdiff.history[1].file == str(other)


def test_settings_that_come_back_are_those_of_pictures(world: World) -> None:
    settings = world.scene.mixdiff
    entry = settings.history.add()
    canvas = {"output_folder": "/etc", "active_history": 7, "num_inference_steps": 9, "seed": []}
    entry.job = json.dumps(JOB)
    entry.settings = json.dumps({"canvas": canvas, "regions": {"gone": 3}, "names": {"gone": 4}})
    bpy.ops.mixdiff.use_settings()
    assert (settings.output_folder, settings.active_history) == ("//mixdiff/", 0)
    assert settings.num_inference_steps == 9


def test_steps_that_lie_there_are_not_written_over(world: World) -> None:
    (world.project / "mixdiff" / "street-0001-steps").symlink_to(world.outside)
    made = folders.next_image_path(world.scene)
    assert made.name == "street-0002.png"
    folders.release(made)


def test_where_pictures_go_is_shown_if_it_is_elsewhere(world: World) -> None:
    settings = world.scene.mixdiff
    assert folders.elsewhere(world.scene) is None
    for folder in ("//../outside", "//way", "~", str(world.outside)):
        settings.output_folder = folder
        assert folders.elsewhere(world.scene) in {world.outside, world.project / "way", world.home}


def test_names_as_long_as_a_name_can_be_are_no_harm(world: World) -> None:
    image = bpy.data.images.new("ü" * 300, 8, 8)
    region = bpy.data.objects["left"].mixdiff
    region.type, region.reference_image = "image2image", image
    bpy.ops.wm.save_as_mainfile(filepath=str(world.project / f"{'ü' * 120}.blend"))
    bpy.ops.mixdiff.generate()
    assert history.path_of(world.scene.mixdiff.history[0]).name.startswith("üüüü")


def test_an_appended_region_has_no_values_that_no_field_can_hold(world: World) -> None:
    bad = kept(bpy.data.objects["left"])
    del bad["prompt"]
    bad["type"], bad["mask_weight"], bad["prompt"] = 99, -4.0, b"\xff"
    path = str(world.project / "street.blend")
    bpy.ops.wm.save_mainfile()
    street()
    with bpy.data.libraries.load(path) as (_, data):
        data.objects = ["left"]
    bpy.context.scene.collection.objects.link(data.objects[0])
    update()
    found = data.objects[0].mixdiff
    assert (found.type, found.mask_weight, found.prompt) == ("text2image", 1, "")


def test_a_hundred_thousand_entries_are_no_harm(world: World) -> None:
    held = kept(world.scene)
    held["history"] = [{"file": f"//mixdiff/{number}.png"} for number in range(100_000)]
    began_s = time.monotonic()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(world.project / "street.blend"))
    draw_panels(bpy.context.scene)
    bpy.ops.mixdiff.generate()
    assert len(bpy.context.scene.mixdiff.history) == 100_001
    assert time.monotonic() - began_s < 60
