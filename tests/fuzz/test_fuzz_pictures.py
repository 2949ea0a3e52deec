"""PNGs with jobs, and pictures of every format: read, or an error of ours."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from engine.contract.checks import check
from engine.contract.errors import EngineError
from engine.contract.image_sizes import read_size
from engine.contract.limits import Limits
from engine.contract.png import (
    JOB_KEY,
    RUN_KEY,
    UnreadableImageError,
    copy_with_job,
    encode_png,
    write_note,
)
from engine.explain import write_explanation
from engine.storage.images import count_frames, open_image, open_mask
from engine.storage.job_files import read_source
from tests.contract.jobs import right_job
from tests.fuzz.fuzzing import Draw, as_json, fuzz, garbled, mutated, nothing_opened_outside

LIMITS = Limits(max_canvas_px=2**18, max_picture_px=2**18)
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
SAVED = Path(__file__).parents[1] / "data" / "saved-0.1.0" / "picture.png"


def pictures() -> dict[str, bytes]:
    """Return a small picture in each format, with what they may hold beside pixels."""
    image = Image.fromarray(PIXELS)
    exif = Image.Exif()
    exif[0x0112] = 6
    ways: dict[str, tuple[Image.Image, dict[str, object]]] = {
        "PNG": (image, {"exif": exif}),
        "JPEG": (image, {"exif": exif}),
        "WEBP": (image, {"lossless": True}),
        "BMP": (image, {}),
        "GIF": (image.convert("P"), {"save_all": True, "append_images": [image.convert("P")]}),
        "TIFF": (image.convert("I;16"), {"compression": "tiff_deflate"}),
    }
    found = {}
    for kind, (made, settings) in ways.items():
        file = io.BytesIO()
        made.save(file, format=kind, **settings)
        found[kind] = file.getvalue()
    return found


def png_of(job: bytes, compressed: bool) -> bytes:
    """Return a PNG that holds a text as its job, with a right checksum."""
    plain = encode_png((9, 8), PIXELS.tobytes())
    if compressed:
        kind, text = b"zTXt", JOB_KEY.encode() + b"\0\0" + zlib.compress(job)
    else:
        kind, text = b"iTXt", JOB_KEY.encode() + bytes(5) + job
    checksum = struct.pack(">I", zlib.crc32(kind + text))
    run = io.BytesIO()
    write_note(run, RUN_KEY, {"device": "cpu", "dtype": "float32"})
    head = 33
    note = struct.pack(">I", len(text)) + kind + text + checksum
    return plain[:head] + note + run.getvalue() + plain[head:]


def test_a_png_holds_a_job_that_can_be_explained_or_says_why_not(
    seconds: float, tmp_path: Path
) -> None:
    path, copy, explained = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    saved = SAVED.read_bytes()

    def one(draw: Draw) -> None:
        if draw.draw(st.booleans()):
            job = as_json(mutated(draw, right_job()))
            content = png_of(garbled(draw, job), draw.draw(st.booleans()))
        else:
            content = garbled(draw, saved)
        path.write_bytes(garbled(draw, content))
        with suppress(EngineError), nothing_opened_outside(tmp_path):
            copy_with_job(path, copy, {"seed": 1})
        with suppress(EngineError):
            with nothing_opened_outside(tmp_path):
                source = read_source(path)
            job_ = check(source.document, folder=tmp_path, limits=LIMITS).job_or_raise()
            write_explanation(job_, explained, folder=tmp_path, limits=LIMITS)

    fuzz(one, seconds)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged tags
def test_a_picture_is_read_or_says_why_not(seconds: float, tmp_path: Path) -> None:
    right, path = pictures(), tmp_path / "picture"

    def one(draw: Draw) -> None:
        path.write_bytes(garbled(draw, right[draw.draw(st.sampled_from(sorted(right)))]))
        with suppress(OSError, UnreadableImageError, ValueError):
            read_size(path)
        for read in (open_image, open_mask, count_frames):
            with suppress(EngineError):
                read(path, LIMITS)

    fuzz(one, seconds)
