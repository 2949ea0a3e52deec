"""Sizes of pictures read from their headers, with the standard library alone.

Enough to refuse a missing, unreadable or absurdly large file before anything is decoded;
the engine's library reads the pixels.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .files import is_dir, is_file, is_there
from .png import SIGNATURE, UnreadableImageError, read_png_size

READABLE_FORMATS = "PNG, JPEG, WebP, BMP, GIF or TIFF"
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSize:
    """Width and height in pixels; zero by zero where the header does not tell."""

    width_px: int
    height_px: int


def read_size(path: Path) -> ImageSize:
    """Return a picture's size.

    Raises: OSError where the file cannot be opened, UnreadableImageError where it is no picture.
    """
    if is_there(path) and not (is_file(path) or is_dir(path)):
        raise UnreadableImageError("it is a device or a pipe")
    with path.open("rb") as file:
        head = file.read(32)
        try:
            return _size(head, file)
        except (struct.error, IndexError) as error:
            raise UnreadableImageError("the file ends too early") from error


def _size(head: bytes, file: BinaryIO) -> ImageSize:
    if head.startswith(SIGNATURE):
        width, height = read_png_size(file)
    elif head.startswith(b"\xff\xd8"):
        width, height = _jpeg_size(file)
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        width, height = _webp_size(head)
    elif head.startswith(b"BM"):
        width, height = struct.unpack("<ii", head[18:26])
        height = abs(height)
    elif head[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack("<HH", head[6:10])
    elif head[:4] in (b"II*\0", b"MM\0*"):
        return ImageSize(width_px=0, height_px=0)
    else:
        raise UnreadableImageError(f"the file is not {READABLE_FORMATS}")
    if width < 1 or height < 1:
        raise UnreadableImageError(f"its header says {width} × {height} pixels")
    return ImageSize(width_px=width, height_px=height)


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    position = 2
    while True:
        file.seek(position)
        filler, marker, length = struct.unpack(">BBH", file.read(4))
        if filler != 0xFF:
            raise UnreadableImageError("its markers are damaged")
        if marker == 0xFF:
            position += 1
        elif marker in _JPEG_SIZE_MARKERS:
            _, height, width = struct.unpack(">BHH", file.read(5))
            return width, height
        else:
            position += 2 + length


def _webp_size(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise UnreadableImageError("its WebP header is damaged")
