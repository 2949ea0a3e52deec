"""Pictures that are read and written, and the paths of what they were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.contract.checks import check
from engine.contract.errors import EngineError
from engine.contract.job import Image2ImageRegion, Job, Text2ImageRegion
from engine.contract.limits import Limits
from engine.storage.images import open_image
from engine.storage.job_files import read_source
from engine.storage.png import GrowingPng, moved, require_png
from tests.contract.jobs import right_job

SAVED = Path(__file__).parent.parent / "data" / "saved-0.1.0"
PICTURE = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)


def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    GrowingPng(path, (16, 8), job={}, run={}).add(PICTURE)
    assert path.exists()


def test_a_picture_that_cannot_be_written_says_so_before_its_rows_come(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("not a folder")
    with pytest.raises(EngineError, match="cannot be written") as caught:
        GrowingPng(tmp_path / "a file" / "out.png", (16, 8), job={}, run={})
    assert caught.value.kind == "output"


def test_a_picture_that_0_1_0_made_is_a_job_with_its_device() -> None:
    source = read_source(SAVED / "picture.png")
    checked = check(source.document, folder=source.folder)
    job = checked.job_or_raise()
    assert [type(region) for region in job.regions] == [
        Text2ImageRegion,
        Text2ImageRegion,
        Image2ImageRegion,
    ]
    assert job.seed == 2**64 - 1
    assert job.image_regions[0].reference_image == "sources/photo.png"
    assert (SAVED / str(job.model) / "unet").is_dir()
    assert (source.run["engine"], source.run["dtype"]) == ("0.1.0", "float32")
    photo = source.folder / job.image_regions[0].reference_image
    assert open_image(photo, Limits()).size == (24, 24)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"broken\.png is no picture") as caught:
        open_image(path, Limits())
    assert caught.value.kind == "picture"


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    noisy = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noisy).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(EngineError, match="is no picture"):
        open_image(path, Limits())


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(PICTURE).save(path)
    with pytest.raises(EngineError, match="over the limit of 100 pixels"):
        open_image(path, Limits(max_picture_px=100))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F", "1"])
def test_pictures_of_every_mode_arrive_in_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("p.tif" if mode in ("CMYK", "I;16", "I", "F") else "p.png")
    if mode in ("I;16", "I"):
        dtype = {"I;16": np.uint16, "I": np.int32}[mode]
        Image.fromarray(np.full((4, 4), 0x80FF, dtype=dtype)).save(path)
    elif mode == "F":
        Image.fromarray(np.full((4, 4), 128 / 255, dtype=np.float32)).save(path)
    else:
        Image.new("RGB", (4, 4), (128, 128, 128)).convert(mode).save(path)
    picture = open_image(path, Limits())
    assert picture.mode == "RGB"
    if mode != "1":
        assert abs(int(np.asarray(picture).mean()) - 128) < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_a_file_hides_under_transparency_is_filled_evenly(mode: str, tmp_path: Path) -> None:
    opacity = np.zeros((8, 16, 1), np.uint8)
    opacity[:, :4] = 255
    hidden = Image.fromarray(np.concatenate([PICTURE, opacity], axis=2)).convert(mode)
    hidden.save(tmp_path / "p.png")
    seen = np.asarray(open_image(tmp_path / "p.png", Limits())).astype(int)
    kept = np.asarray(hidden.convert("RGB")).astype(int)[:, :4]
    assert np.array_equal(seen[:, :4], kept)
    assert seen[:, 4:].std((0, 1)).max() == 0
    assert np.abs(seen[0, -1] - kept.mean((0, 1))).max() <= 1


def test_a_photo_stands_as_its_camera_was_held(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(PICTURE).save(tmp_path / "p.png", exif=exif)
    turned = np.asarray(open_image(tmp_path / "p.png", Limits()))
    assert np.array_equal(turned, np.rot90(PICTURE, -1))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_pictures_own_colour_space_counts(mode: str, tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A space whose red is sRGB's green, and the other way round.
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    picture = Image.new("RGB", (4, 4), (200, 30, 60)).convert(mode)
    for profile, wanted in ((swapped, (30, 200, 60)), (srgb, (200, 30, 60)), (b"x", (200, 30, 60))):
        picture.save(tmp_path / "p.png", icc_profile=profile)
        seen = np.asarray(open_image(tmp_path / "p.png", Limits()))[0, 0].astype(int)
        assert np.abs(seen - wanted).max() <= 2


@pytest.mark.parametrize(("name", "head"), [("p.exr", b"v/1\x01"), ("p.hdr", b"#?RADIANCE\n")])
def test_a_kind_of_picture_that_is_not_read_is_said_with_what_helps(
    name: str, head: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(head + bytes(100))
    job = right_job()
    place = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    job["regions"].append({"type": "image2image", **place, "reference_image": name})
    (said,) = [p for p in check(job, folder=tmp_path).problems if p.severity == "error"]
    assert "is no picture that can be read: the file is not PNG" in said.message
    assert said.remedy == "save it anew, as PNG for example"


@pytest.mark.parametrize("name", ["~/photos/p.png", "photos\\p.png", "~\\photos\\p.png"])
def test_a_picture_is_found_as_people_write_its_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "photos").mkdir()
    Image.fromarray(PICTURE).save(tmp_path / "photos" / "p.png")
    job = right_job()
    place = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    job["regions"].append({"type": "image2image", **place, "reference_image": name})
    read = check(job, folder=tmp_path).job_or_raise()
    there = moved(read, tmp_path, tmp_path / "photos" / "deep")
    assert there.image_regions[0].reference_image == "../p.png"


@pytest.mark.parametrize("name", ["out.jpg", "out.exr", "out", "out.png.webp"])
def test_no_other_format_gets_a_png(name: str) -> None:
    with pytest.raises(EngineError, match="not the name of a PNG") as caught:
        require_png(Path(name))
    assert caught.value.kind == "output"


def read(folder: Path) -> Job:
    job = right_job()
    place = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    reference = "../photos/photo.png"
    job["regions"].append({"type": "image2image", **place, "reference_image": reference})
    return check({**job, "model": "tiny"}, folder=folder).job_or_raise()


def test_paths_follow_the_job_to_another_folder(tmp_path: Path) -> None:
    for name in ("jobs/tiny", "photos", "out/deep"):
        (tmp_path / name).mkdir(parents=True)
    Image.fromarray(PICTURE).save(tmp_path / "photos" / "photo.png")
    job = moved(read(tmp_path / "jobs"), tmp_path / "jobs", tmp_path / "out" / "deep")
    assert job.image_regions[0].reference_image == "../../photos/photo.png"
    assert job.model == "../../jobs/tiny"
    assert moved(job, tmp_path / "out" / "deep", tmp_path / "jobs") == read(tmp_path / "jobs")
