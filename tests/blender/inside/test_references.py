"""Pictures that regions start from look as they do in a viewer, whatever Blender has of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import EngineError, png_of, scripting, write_picture
from scenes import add_region, pixels, render

HOSTS = "oldest and newest"

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)
Values = Any


def curve(linear: Values) -> Values:
    """Return sRGB's levels of linear light."""
    clipped = np.clip(linear, 0, 1)
    bright = 1.055 * clipped ** (1 / 2.4) - 0.055
    return 255 * np.where(clipped <= 0.0031308, clipped * 12.92, bright)


@pytest.fixture
def written(tmp_path: Path, scene: Any) -> Callable[[Any], Values]:
    """Write an image, and return its levels, (H, W, 4), the top row first."""

    def write(image: Any) -> Values:
        write_picture(image, tmp_path / "written.png", scene)
        return pixels(tmp_path / "written.png")

    return write


@pytest.fixture
def region(scene: Any, camera: Any) -> Any:
    """The settings of a region that starts from a picture, in a scene with a prompt."""
    scene.mixdiff.prompt = "sand"
    settings = add_region("region").mixdiff
    settings.type = "image2image"
    return settings


def in_floats(values: Values) -> Any:
    """Return an image of floats, scene-linear, its colours times its opacity."""
    height, width, _ = values.shape
    image = bpy.data.images.new("floats", width, height, alpha=True, float_buffer=True)
    image.pixels.foreach_set(np.asarray(values, np.float32)[::-1].ravel())
    return image


def exr(path: Path, values: Values) -> Any:
    """Save floats as they are, and return the image that Blender loads from there."""
    stored = in_floats(values)
    save(stored, path, "OPEN_EXR")
    bpy.data.images.remove(stored)
    return bpy.data.images.load(str(path))


def save(image: Any, path: Path, file_format: str) -> None:
    """Save an image as Blender saves renders: light as it is, or with sRGB's curve in 16 bits."""
    made = bpy.data.scenes.new("saving")
    is_light = file_format in ("HDR", "OPEN_EXR")
    made.view_settings.view_transform = "Raw" if is_light else "Standard"
    made.render.image_settings.file_format = file_format
    if file_format != "HDR":
        made.render.image_settings.color_mode = "RGBA"
        made.render.image_settings.color_depth = "16"
    made.render.dither_intensity = 0
    image.save_render(str(path), scene=made)
    bpy.data.scenes.remove(made)


def test_bytes_stay_as_they_are(tmp_path: Path, written: Any) -> None:
    (tmp_path / "photo.png").write_bytes(png_of(PICTURE))
    image = bpy.data.images.load(str(tmp_path / "photo.png"))
    image.pack()
    assert np.array_equal(written(image)[..., :3], PICTURE)


# What (128, 64, 26) is by each space's primaries and curve; data are shown as they are.
SEEN = {
    "sRGB": (128, 64, 26),
    "Linear Rec.709": (188, 137, 90),
    "Non-Color": (128, 64, 26),
    "ACEScg": (217, 129, 76),
    "Linear Rec.2020": (215, 129, 80),
    "Display P3": (138, 59, 10),
}


@pytest.mark.parametrize("space", SEEN)
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_files_colours_are_those_of_its_space(
    space: str, is_packed: bool, region: Any, tmp_path: Path, written: Any
) -> None:
    path = tmp_path / "brown.png"
    path.write_bytes(png_of(np.full((8, 8, 3), SEEN["sRGB"], np.uint8)))
    image = region.reference_image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = space
    if is_packed:
        image.pack()
    is_direct = not is_packed and space in ("sRGB", "Non-Color")
    named = scripting.job()["regions"][-1]["reference_image"]
    assert (named == str(path)) == is_direct
    assert np.abs(written(image)[0, 0, :3] - SEEN[space]).max() <= 1


def test_floats_are_light_whatever_is_made_of_their_alpha(tmp_path: Path, written: Any) -> None:
    light = np.tile([0.25, 0.1, 3.0, 0.5], (4, 4, 1))
    image = exr(tmp_path / "light.exr", light)
    as_stored, times_two = curve(light[0, 0, :3]), curve(2 * light[0, 0, :3])
    for mode, colours, alpha in (
        ("PREMUL", times_two, 128),
        ("STRAIGHT", as_stored, 128),
        ("NONE", as_stored, 255),
        ("CHANNEL_PACKED", as_stored, 255),
    ):
        image.alpha_mode = mode
        seen = written(image)[0, 0]
        assert np.abs(seen[:3] - colours).max() <= 1, mode
        assert seen[3] == alpha, mode


def ramp(most: float) -> Values:
    """Return growing light, opaque."""
    light = np.linspace(0, most, 48).reshape(4, 4, 3)
    return np.concatenate([light, np.ones((4, 4, 1))], axis=2)


def test_a_generated_image_of_floats_is_light(written: Any) -> None:
    light = ramp(1.2)
    assert np.abs(written(in_floats(light))[..., :3] - curve(light[..., :3])).max() <= 1


@pytest.mark.parametrize("file_format", ["TIFF", "PNG", "HDR", "OPEN_EXR"])
def test_deep_files_are_what_their_numbers_say(
    file_format: str, region: Any, tmp_path: Path, written: Any
) -> None:
    path = tmp_path / f"deep.{file_format.lower()}"
    save(in_floats(ramp(1)), path, file_format)
    region.reference_image = image = bpy.data.images.load(str(path))
    assert np.abs(written(image)[..., :3] - curve(ramp(1)[..., :3])).max() <= 2
    assert not [said for said in scripting.problems() if "reference_image" in said]


def test_the_working_space_of_a_file_is_no_matter(tmp_path: Path, written: Any) -> None:
    if not hasattr(bpy.data, "colorspace"):
        pytest.skip("came with Blender 5.0")
    light = np.tile([0.5, 0.2, 0.1, 1.0], (4, 4, 1))
    exr(tmp_path / "light.exr", light)
    bpy.ops.wm.set_working_color_space(working_space="ACEScg")
    image = bpy.data.images.load(str(tmp_path / "light.exr"))
    image.colorspace_settings.name = "Linear Rec.709"
    assert abs(image.pixels[0] - 0.5) > 0.05
    assert np.abs(written(image)[0, 0, :3] - curve(light[0, 0, :3])).max() <= 1


def test_a_render_is_used_as_its_scene_shows_it(
    scene: Any, region: Any, tmp_path: Path, written: Any
) -> None:
    scene.view_settings.view_transform, scene.view_settings.exposure = "AgX", 1.0
    scene.world = bpy.data.worlds.new("world")
    scene.world.color = (0.8, 0.2, 0.1)
    shown = render(scene, tmp_path / "render.png")
    region.reference_image = bpy.data.images["Render Result"]
    assert np.abs(written(region.reference_image) - shown).max() <= 1
    job = scripting.export_job(tmp_path / "jobs" / "job.json")
    (source,) = (job.parent / "sources").iterdir()
    assert np.abs(pixels(source) - shown).max() <= 1


def test_a_render_of_another_scene_is_none_of_this_one(
    scene: Any, region: Any, tmp_path: Path
) -> None:
    other = bpy.data.scenes.new("other")
    other.camera = scene.camera
    other.render.filepath = str(tmp_path / "x.png")
    other.render.resolution_x = other.render.resolution_y = 16
    bpy.ops.render.render(scene="other")
    region.reference_image = bpy.data.images["Render Result"]
    with pytest.raises(EngineError, match=r"shows nothing.*; render it first"):
        scripting.generate()


def test_the_scenes_output_is_what_it_was(scene: Any, region: Any, tmp_path: Path) -> None:
    render(scene, tmp_path / "render.png")
    settings, render_settings = scene.render.image_settings, scene.render
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    settings.color_mode, render_settings.dither_intensity = "BW", 0.75
    region.reference_image = bpy.data.images["Render Result"]
    scripting.export_job(tmp_path / "job.json")
    assert (settings.file_format, settings.color_mode) == ("FFMPEG", "BW")
    assert render_settings.dither_intensity == 0.75
    assert len(bpy.data.scenes) == 1


def test_tiles_are_said(region: Any) -> None:
    tiled = region.reference_image = bpy.data.images.new("tiled", 8, 8, tiled=True)
    assert not [said for said in scripting.problems() if "tiled" in said]
    tiled.tiles.new(1002)
    (said,) = [said for said in scripting.problems() if "tiled" in said]
    assert "made of 2 tiles (UDIM)" in said
    assert "choose the file of one tile" in said


def test_footage_in_floats_is_written_for_its_frame(
    scene: Any, region: Any, tmp_path: Path
) -> None:
    for number, light in ((1, 0.0), (2, 0.5)):
        exr(tmp_path / f"shot_{number:04d}.exr", np.full((4, 4, 4), [light, light, light, 1]))
    image = region.reference_image = bpy.data.images.load(str(tmp_path / "shot_0001.exr"))
    image.source = "SEQUENCE"
    for frame, light in ((1, 0.0), (2, 0.5)):
        scene.frame_set(frame)
        job = scripting.export_job(tmp_path / "jobs" / "job.json")
        (source,) = (job.parent / "sources").iterdir()
        assert np.abs(pixels(source)[..., :3] - curve(np.full(3, light))).max() <= 1
        source.unlink()


def test_a_folder_that_cannot_be_written_is_said(scene: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="cannot be written") as raised:
        write_picture(in_floats(ramp(1)), tmp_path / "file" / "x.png", scene)
    assert raised.value.kind == "output"
