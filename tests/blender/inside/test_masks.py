"""A region's mask and its feather: from a property to the job, the overlay and the picture."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import history, job_cache, read_job, scripting, shapes_of
from scenes import file_of, in_blender, pixels, update

HOSTS = "oldest and newest"


def half(name: str, height: int = 16, width: int = 32) -> Any:
    """Return an image whose left half is white, and whose right half is transparent."""
    rows = np.ones((height, width, 4), dtype=np.float32)
    rows[:, width // 2 :, 3] = 0
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set(rows.ravel())
    return image


@pytest.fixture
def left(street: Any) -> Any:
    """The settings of the left one of two regions."""
    update()
    return bpy.data.objects["left"].mixdiff


@pytest.fixture
def packed(left: Any) -> Any:
    """The settings of a region that has a packed image as its mask."""
    left.mask = half("half")
    left.mask.pack()
    return left


def falloff() -> Any:
    """Return the weights that the overlay shows of the left region, from its lower left corner."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    cached = job_cache._look_at(scene.name, layer.name)
    return shapes_of(cached.job.job, cached.masks, {})[0].falloff


def test_an_image_that_only_blender_has_is_written_beside_the_job_as_it_covers(
    packed: Any, tmp_path: Path
) -> None:
    packed.mask_area = "canvas"
    job = json.loads(scripting.export_job(tmp_path / "job.json").read_text())
    first, second = job["regions"]
    assert (first["mask_area"], second["mask"]) == ("canvas", None)
    written = pixels(tmp_path / first["mask"])
    assert written.shape == (16, 32, 4)
    assert (written[:, :16, :3] == 255).all()
    assert (written[:, 16:, :3] == 0).all()


def test_an_image_in_a_file_is_named_where_it_is(left: Any, tmp_path: Path) -> None:
    image = half("half")
    image.filepath_raw, image.file_format = str(tmp_path / "half.png"), "PNG"
    image.save()
    left.mask = bpy.data.images.load(str(tmp_path / "half.png"))
    assert scripting.job()["regions"][0]["mask"] == str(tmp_path / "half.png")


@pytest.mark.usefixtures("packed")
def test_the_overlay_shows_what_the_mask_leaves_of_a_region() -> None:
    over_region = falloff()
    assert over_region[:, :7].max() > 0.5
    assert over_region[:, 8:].max() == 0


def test_a_mask_over_the_canvas_is_shown_where_it_lies_on_the_canvas(packed: Any) -> None:
    packed.mask_area, packed.mask_type = "canvas", "constant"
    shown = falloff()
    at_px = np.linspace(0, 80, shown.shape[1])  # of which the mask covers 64
    assert shown[:, at_px < 62].min() == 1
    assert shown[:, at_px > 66].max() == 0


def test_the_overlay_follows_what_is_painted_into_a_mask(packed: Any) -> None:
    for level in (1, 0, 1):
        packed.mask.pixels.foreach_set(np.full(16 * 32 * 4, level, dtype=np.float32))
        assert (falloff()[:, 8:].max() > 0) == bool(level)
    packed.mask.pack()
    assert falloff()[:, 8:].max() > 0


def test_a_masked_picture_is_another_one_and_holds_its_mask(
    left: Any, street: Any, tmp_path: Path
) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    bpy.ops.mixdiff.generate()
    without = in_blender(street.mixdiff.result)
    left.mask, left.mask_area = half("half"), "canvas"
    bpy.ops.mixdiff.generate()
    masked = in_blender(street.mixdiff.result)
    assert np.abs(masked - without).max() > 0.02
    file = Path(file_of(street.mixdiff.result))
    name = read_job(file)["regions"][0]["mask"]
    assert name.startswith("sources/")
    assert (pixels(file.parent / name)[:, 16:, :3] == 0).all()

    # It varies with its mask, and brings it back.
    left.mask, left.mask_area = None, "region"
    bpy.ops.mixdiff.vary(mode="reset")
    assert read_job(history.path_of(street.mixdiff.history[-1]))["regions"][0]["mask"] == name
    bpy.ops.mixdiff.use_settings()
    assert (left.mask.name, left.mask_area) == ("half", "canvas")


def test_a_mask_without_pixels_is_said_with_its_region_and_what_to_do(left: Any) -> None:
    left.mask = bpy.data.images.new("gone", 8, 8)
    left.mask.source, left.mask.filepath = "FILE", "//nowhere.png"
    with pytest.raises(scripting.EngineError, match=r"left: mask: .*'gone'.*find its file"):
        scripting.job()
    with pytest.raises(RuntimeError, match=r"left: Mask: "):
        bpy.ops.mixdiff.generate()


def test_a_feather_reaches_the_job_and_the_overlay(left: Any) -> None:
    left.mask_type, left.feather_px = "feather", 8
    region = scripting.job()["regions"][0]
    assert (region["mask_type"], region["feather_px"]) == ("feather", 8)
    shown = falloff()
    assert shown[2:-2, 2:-2].min() == 1
    assert shown[0].max() < 0.5
    assert shown[:, 0].max() < 0.5
