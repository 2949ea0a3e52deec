"""PNGs that hold the job that made them, written by us, by 0.1.0 and by other programs."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from engine.contract.errors import EngineError
from engine.contract.image_sizes import read_size
from engine.contract.png import (
    JOB_KEY,
    RUN_KEY,
    UnreadableImageError,
    chunks,
    copy_with_job,
    encode_png,
    read_job,
    read_run,
    write_chunk,
    write_note,
)
from mixdiff_blender import contract as door

SAVED = Path(__file__).parent.parent / "data" / "saved-0.1.0" / "picture.png"
PICTURE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
JOB = {"prompt": "naïve café 漢字", "seed": 2**64 - 1}
HEAD_BYTES = 33  # signature and IHDR


def with_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG with a chunk of ours before its pixels."""
    plain = encode_png((7, 5), PICTURE.tobytes())
    chunk = io.BytesIO()
    write_chunk(chunk, kind, data)
    return plain[:HEAD_BYTES] + chunk.getvalue() + plain[HEAD_BYTES:]


def with_job(job: Any = JOB) -> bytes:
    """Return a PNG as we write it."""
    note = io.BytesIO()
    write_note(note, JOB_KEY, job)
    return with_chunk(b"iTXt", note.getvalue()[8:-4])


def test_encoded_pixels_are_what_others_read_and_the_note_too() -> None:
    with Image.open(io.BytesIO(with_job())) as image:
        image.load()
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), PICTURE)
        assert isinstance(image, PngImagePlugin.PngImageFile)
        assert json.loads(image.text[JOB_KEY]) == JOB


def test_a_picture_of_0_1_0_opens_in_both_programs() -> None:
    for read in (read_job, door.read_job):
        job = read(SAVED)
        assert (job["seed"], job["regions"][0]["prompt"]) == (2**64 - 1, "ein Café, 漢字")
        assert job["regions"][2]["reference_image"] == "sources/photo.png"
    assert read_run(SAVED)["engine"] == "0.1.0"
    assert (read_size(SAVED).width_px, read_size(SAVED).height_px) == (128, 64)


def test_what_is_written_now_is_what_0_1_0_wrote(tmp_path: Path) -> None:
    copy_with_job(SAVED, tmp_path / "copy.png", read_job(SAVED))
    assert (tmp_path / "copy.png").read_bytes() == SAVED.read_bytes()


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("kind", ["iTXt", "text"])
def test_notes_that_other_programs_wrote_anew_are_read(
    kind: str, is_compressed: bool, tmp_path: Path
) -> None:
    path, notes = tmp_path / "converted.png", PngImagePlugin.PngInfo()
    job = {**JOB, "prompt": "café"}
    for key, value in ((JOB_KEY, job), (RUN_KEY, {"device": "cpu"}), ("Title", {})):
        text = json.dumps(value, ensure_ascii=False)
        if kind == "iTXt":
            notes.add_itxt(key, text, lang="de", tkey="Auftrag", zip=is_compressed)
        else:
            notes.add_text(key, text, zip=is_compressed)
    Image.fromarray(PICTURE).save(path, pnginfo=notes)
    assert (read_job(path), read_run(path)) == (job, {"device": "cpu"})
    copy_with_job(path, tmp_path / "copy.png", JOB)
    assert read_job(tmp_path / "copy.png") == JOB
    with Image.open(tmp_path / "copy.png") as image:
        assert np.array_equal(np.asarray(image), PICTURE)
        assert image.info["Title"] == "{}"


def test_a_copy_holds_another_job_and_all_else_as_it_was(tmp_path: Path) -> None:
    goal = tmp_path / "new folder" / "copy.png"
    copy_with_job(SAVED, goal, JOB)
    assert read_job(goal) == JOB
    assert read_run(goal) == read_run(SAVED)
    with Image.open(SAVED) as before, Image.open(goal) as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))
    with SAVED.open("rb") as old, goal.open("rb") as new:
        assert [chunk.kind for chunk in chunks(old)] == [chunk.kind for chunk in chunks(new)]
    assert list(goal.parent.iterdir()) == [goal]


def test_a_picture_that_was_cut_off_still_tells_its_job(tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    path.write_bytes(SAVED.read_bytes()[:-3000])
    assert read_job(path) == read_job(SAVED)
    with pytest.raises(UnreadableImageError, match="ends too early"):
        read_size(path)


def packed(text: bytes) -> bytes:
    return JOB_KEY.encode() + b"\0\1\0\0\0" + zlib.compress(text)


BROKEN = {
    "empty": (b"", "it is no PNG"),
    "a text": (b"no picture", "it is no PNG"),
    "only a signature": (SAVED.read_bytes()[:8], "holds no job"),
    "no job": (encode_png((7, 5), PICTURE.tobytes()), "holds no job"),
    "cut within the job": (with_job()[:-200], "holds no job"),
    "no JSON": (with_chunk(b"iTXt", JOB_KEY.encode() + bytes(5) + b"{"), "is damaged: .*JSON"),
    "no object": (with_job([1]), "is damaged: it is no object"),
    "no UTF-8": (with_chunk(b"iTXt", JOB_KEY.encode() + bytes(5) + b"\xff"), "texts is damaged"),
    "no text": (with_chunk(b"iTXt", JOB_KEY.encode() + b"\0"), "texts is damaged"),
    "damaged": (with_chunk(b"iTXt", packed(b"{}")[:-8] + bytes(8)), "texts is damaged"),
    "a bomb": (with_chunk(b"iTXt", packed(bytes(2**26 + 1))), "too long"),
    "nested": (with_chunk(b"iTXt", JOB_KEY.encode() + bytes(5) + b"[" * 10**5), "is damaged"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_holds_no_job_is_one_clear_error(name: str, tmp_path: Path) -> None:
    content, says = BROKEN[name]
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=says) as caught:
        read_job(path)
    assert (caught.value.kind, "choose a PNG" in caught.value.advice) == ("picture", True)
    assert str(path) in caught.value.message


def test_a_chunk_longer_than_the_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    path.write_bytes(with_job()[:HEAD_BYTES] + struct.pack(">I4s", 2**32 - 1, b"iTXt"))
    with pytest.raises(EngineError, match="holds no job"):
        read_job(path)


def test_a_picture_that_is_gone_is_not_copied_and_leaves_the_goal(tmp_path: Path) -> None:
    goal = tmp_path / "goal.png"
    goal.write_bytes(b"before")
    for source in (tmp_path / "gone.png", goal):
        with pytest.raises(EngineError, match="cannot be read") as caught:
            copy_with_job(source, goal, JOB)
        assert caught.value.kind == "picture"
    assert goal.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [goal]
