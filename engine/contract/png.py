"""PNGs chunk by chunk: their size, their pixels, and the job that one holds.

Source: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from .errors import EngineError, JobError
from .files import atomic_write, open_input
from .parse import parse_json

SIGNATURE = b"\x89PNG\r\n\x1a\n"
JOB_KEY = "mixdiff-job"
RUN_KEY = "mixdiff-run"
BAKE_KEY = "mixdiff-bake"
"""What a picture of a UV map was baked from: its object, and the jobs of what was projected."""
LATENTS_KIND = b"mxLT"
"""The chunk of a picture's latents; by its last letter, who changes the pixels must drop it."""
ZLIB_LEVEL = 6

_GREY, _RGB, _RGBA = 0, 2, 6
_UP = b"\2"
_FRAME_BYTES = 12  # a chunk's length, kind and checksum
_TEXT_KINDS = (b"iTXt", b"tEXt", b"zTXt")  # we write the first; other programs may convert it
_MAX_TEXT_BYTES = 64 * 2**20
_ADVICE = "choose a PNG that MixDiff has made"


class UnreadableImageError(Exception):
    """A file that is no picture, or holds less than its header says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A chunk's kind, and where its data lie in the file."""

    kind: bytes
    start: int
    length: int


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Return a PNG's chunks, as far as they are whole; the file may be moved meanwhile.

    Raises: UnreadableImageError where it is no PNG.
    """
    position, end = len(SIGNATURE), file.seek(0, 2)
    file.seek(0)
    if file.read(position) != SIGNATURE:
        raise UnreadableImageError("it is no PNG")
    while position + _FRAME_BYTES <= end:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        start, position = position + 8, position + _FRAME_BYTES + length
        if position <= end:
            yield Chunk(kind=kind, start=start, length=length)
        if kind == b"IEND":
            return


def read_png_size(file: BinaryIO) -> tuple[int, int]:
    """Return the width and the height that a PNG's header says.

    Raises: UnreadableImageError where it does not go on to its last chunk.
    """
    kind = b""
    for chunk in chunks(file):
        kind = chunk.kind
    if kind != b"IEND":
        raise UnreadableImageError("the file ends too early")
    file.seek(16)
    width, height = struct.unpack(">II", file.read(8))
    return width, height


def write_chunk(file: BinaryIO, kind: bytes, data: bytes = b"") -> None:
    """Write a chunk with its length and checksum."""
    checksum = zlib.crc32(data, zlib.crc32(kind))
    file.write(struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", checksum))


def write_head(file: BinaryIO, size_px: tuple[int, int], kind: int = _RGB, bits: int = 8) -> None:
    """Write the beginning of a PNG, in RGB with 8 bits each unless it is said."""
    file.write(SIGNATURE)
    write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", *size_px, bits, kind, 0, 0, 0))


def write_note(file: BinaryIO, key: str, document: Mapping[str, Any]) -> None:
    """Write a document as the text of a key."""
    text = json.dumps(document, ensure_ascii=False).encode()
    # Not compressed, in no language, and its key is not translated.
    write_chunk(file, b"iTXt", key.encode() + bytes(5) + text)


def encode_png(
    size_px: tuple[int, int],
    pixels: bytes,
    *,
    has_alpha: bool = False,
    notes: Mapping[str, Mapping[str, Any]] | None = None,
) -> bytes:
    """Return a PNG of pixels in RGB or RGBA, row by row from the top, without filters."""
    width, height = size_px
    row = width * (4 if has_alpha else 3)
    lines = b"".join(b"\0" + pixels[at : at + row] for at in range(0, height * row, row))
    file = BytesIO()
    write_head(file, size_px, _RGBA if has_alpha else _RGB)
    for key, document in (notes or {}).items():
        write_note(file, key, document)
    write_chunk(file, b"IDAT", zlib.compress(lines, ZLIB_LEVEL))
    write_chunk(file, b"IEND")
    return file.getvalue()


def encode_grey_png(size_px: tuple[int, int], differences: bytes) -> bytes:
    """Return a PNG in grey of 16 bits, of each row's bytes less those of the row above."""
    width, height = size_px
    row = 2 * width
    lines = b"".join(_UP + differences[at : at + row] for at in range(0, height * row, row))
    file = BytesIO()
    write_head(file, size_px, _GREY, 16)
    write_chunk(file, b"IDAT", zlib.compress(lines, ZLIB_LEVEL))
    write_chunk(file, b"IEND")
    return file.getvalue()


def read_job(path: Path) -> dict[str, Any]:
    """Return the job that made a picture; its relative paths start at the picture's folder.

    Raises: EngineError of kind `picture` where the file holds none.
    """
    job = _read_note(path, JOB_KEY)
    if job is None:
        raise EngineError(f"{path} holds no job", kind="picture", advice=_ADVICE)
    return job


def read_run(path: Path) -> dict[str, Any]:
    """Return what a picture says of the engine and the device that made it.

    Raises: EngineError of kind `picture` where the file cannot be read.
    """
    return _read_note(path, RUN_KEY) or {}


def read_bake(path: Path) -> dict[str, Any] | None:
    """Return what a picture of a UV map was baked from, None where it is no such picture.

    Raises: EngineError of kind `picture` where the file cannot be read.
    """
    return _read_note(path, BAKE_KEY)


def read_latents_chunk(path: Path) -> bytes:
    """Return what a picture keeps of its latents, nothing where it keeps none.

    Raises: EngineError of kind `picture` where the file is no PNG.
    """
    with _open_png(path) as file:
        for chunk in chunks(file):
            if chunk.kind == LATENTS_KIND:
                file.seek(chunk.start)
                return file.read(chunk.length)
    return b""


def copy_with_job(source: Path, goal: Path, job: Mapping[str, Any]) -> None:
    """Copy a picture, with another job in the place of the one that it holds.

    Raises: EngineError of kind `picture` or `output`; what stood at the goal stays.
    """
    with _open_png(source) as old, atomic_write(goal) as new:
        new.write(SIGNATURE)
        for chunk in chunks(old):
            if _is_note(old, chunk, JOB_KEY):
                write_note(new, JOB_KEY, job)
            else:
                old.seek(chunk.start - 8)
                new.write(old.read(chunk.length + _FRAME_BYTES))


@contextmanager
def _open_png(path: Path) -> Iterator[BinaryIO]:
    with open_input(path, kind="picture", advice=_ADVICE) as file:
        try:
            yield file
        except UnreadableImageError as error:
            message = f"{path} cannot be read: {error}"
            raise EngineError(message, kind="picture", advice=_ADVICE) from error


def _is_note(file: BinaryIO, chunk: Chunk, key: str) -> bool:
    """Return whether a chunk is the text of a key."""
    file.seek(chunk.start)
    return chunk.kind in _TEXT_KINDS and file.read(len(key) + 1) == key.encode() + b"\0"


def _read_note(path: Path, key: str) -> dict[str, Any] | None:
    text: str | None = None
    with _open_png(path) as file:
        for chunk in chunks(file):
            if _is_note(file, chunk, key):
                text = _read_text(file, chunk, len(key) + 1)
    if text is None:
        return None
    damaged = f"what {path} holds as {key} is damaged"
    try:
        document = parse_json(text)
    except JobError as error:
        message = f"{damaged}: {error.problems[0].message}"
        raise EngineError(message, kind="picture", advice=_ADVICE) from error
    if not isinstance(document, dict):
        raise EngineError(f"{damaged}: it is no object", kind="picture", advice=_ADVICE)
    return document


def _read_text(file: BinaryIO, chunk: Chunk, key_bytes: int) -> str:
    """Return the text that follows a chunk's key.

    Raises: UnreadableImageError where it is damaged or too long.
    """
    if chunk.length > _MAX_TEXT_BYTES:
        raise UnreadableImageError("one of its texts is too long")
    file.seek(chunk.start + key_bytes)
    data = file.read(chunk.length - key_bytes)
    try:
        match chunk.kind:
            case b"iTXt":
                is_compressed, encoding = data[:1] == b"\1", "utf-8"
                _language, _translated_key, data = data[2:].split(b"\0", 2)
            case b"zTXt":
                is_compressed, encoding, data = True, "latin-1", data[1:]
            case _:
                is_compressed, encoding = False, "latin-1"
        if is_compressed:
            decompressor = zlib.decompressobj()
            data = decompressor.decompress(data, _MAX_TEXT_BYTES)
            if decompressor.unconsumed_tail:
                raise UnreadableImageError("one of its texts is too long")
        return data.decode(encoding)
    except (ValueError, zlib.error) as error:
        raise UnreadableImageError(f"one of its texts is damaged: {error}") from error
