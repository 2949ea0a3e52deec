"""Pictures that hold their job, and files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.contract.checks import check
from engine.contract.errors import EngineError
from engine.contract.job import Job
from engine.contract.limits import Limits
from engine.storage.files import whole_file
from engine.storage.images import open_picture
from engine.storage.png import moved, read_job_of_png, write_png
from tests.contract.jobs import right_job

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)


def test_a_png_holds_its_job_and_its_pixels(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "ö 'quoted'.png"
    job = {"prompt": "naïve café 漢字", "seed": 2**63}
    write_png(path, PICTURE, job=job, run={"device": "cpu"})
    assert read_job_of_png(path) == (job, {"device": "cpu"})
    assert np.array_equal(np.asarray(Image.open(path)), PICTURE)


def test_a_foreign_png_is_refused(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "foreign.png")
    with pytest.raises(EngineError, match="holds no job"):
        read_job_of_png(tmp_path / "foreign.png")


def test_a_file_is_whole_or_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("before")

    def break_off() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        break_off()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    write_png(path, PICTURE, job={}, run={})
    assert path.exists()


@pytest.mark.parametrize("name", ["a file/out.png", "n" * 300 + ".png"])
def test_what_cannot_be_written_says_where_and_what_to_do(name: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("not a folder")
    with pytest.raises(EngineError, match="cannot be written") as caught:
        write_png(tmp_path / name, PICTURE, job={}, run={})
    assert caught.value.kind == "output"
    assert caught.value.advice


def test_a_disk_that_is_full_leaves_what_was_there() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    # A device cannot be replaced: the temporary file beside it is where writing happens.
    with pytest.raises(EngineError, match="cannot be written"), whole_file(full / "out.png"):
        pass
    assert full.exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"broken\.png is no picture") as caught:
        open_picture(path, Limits())
    assert caught.value.kind == "picture"


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    noisy = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noisy).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(EngineError, match="is no picture"):
        open_picture(path, Limits())


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(PICTURE).save(path)
    with pytest.raises(EngineError, match="over the limit of 100 pixels"):
        open_picture(path, Limits(max_picture_px=100))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_pictures_of_every_mode_arrive_in_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("p.tif" if mode in ("CMYK", "I;16") else "p.png")
    if mode == "I;16":
        Image.fromarray(np.full((4, 4), 0x80FF, dtype=np.uint16)).save(path)
    else:
        Image.new("RGB", (4, 4), (128, 128, 128)).convert(mode).save(path)
    picture = open_picture(path, Limits())
    assert picture.mode == "RGB"
    if mode != "1":
        assert abs(int(np.asarray(picture).mean()) - 128) < 3


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
