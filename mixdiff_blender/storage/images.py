"""Image datablocks as files that the engine can read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import EngineError, UnreadableImageError, atomic_write, encode_png, read_size

Bytes = NDArray[np.uint8]

_BRIGHTNESS = np.array((0.299, 0.587, 0.114), np.float32)  # as Pillow has it, for the engine


def image_path(image: bpy.types.Image) -> Path | None:
    """Return the file that holds what an image shows, or None where it must be written first."""
    if image.source != "FILE" or image.packed_file or image.is_dirty:
        return None
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    try:
        read_size(path)
    except (OSError, UnreadableImageError):
        return None  # perhaps a kind of file that Blender reads and the engine does not
    return path


def sequence_file(image: bpy.types.Image, number: int) -> Path:
    """Return the file of a sequence that holds its picture of a number, there or not."""
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem)
    if found is None:
        return path
    before, digits, after = found.groups()
    return path.with_name(f"{before}{number:0{len(digits)}d}{after}{path.suffix}")


def has_pixels(image: Any) -> bool:
    """Return whether an image shows anything; an image whose file is missing does not."""
    return all(image.size) and len(image.pixels) > 0


def write_png(image: bpy.types.Image, path: Path, *, as_mask: bool = False) -> None:
    """Write what an image shows as an 8-bit PNG, and leave the image itself alone.

    As a mask it is written as it covers: its brightness times its opacity, whatever its colours.

    Raises: EngineError of kind `picture` where it has no pixels, or `output`.
    """
    if not has_pixels(image):
        raise EngineError(
            f"the picture {image.name!r} has no pixels",
            kind="picture",
            advice="find its file (File > External Data), or choose another picture",
        )
    coverage = np.repeat(coverage_from_top(image)[..., None], 3, axis=2) if as_mask else None
    with atomic_write(path) as file:
        file.write(png_of(rows_from_top(image) if coverage is None else coverage))


def rows_from_top(image: bpy.types.Image) -> Bytes:
    """Return an image's pixels as bytes, as a picture viewer shows them.

    What is transparent is filled with the mean of the rest, as the engine does with files.

    Shapes: (H, W, 3), first row at the top.
    """
    rows = _opaque(_values_from_top(image), image)
    rows = np.repeat(rows[..., :1], 3, axis=2) if image.channels < 3 else rows[..., :3]
    return _levels(_display_values(rows) if image.is_float else rows)  # those are scene-linear


def _opaque(values: NDArray[np.float32], image: bpy.types.Image) -> NDArray[np.float32]:
    if image.channels not in (2, 4) or image.alpha_mode in ("NONE", "CHANNEL_PACKED"):
        return values
    colours, opacity = values[..., :-1], values[..., -1:]
    total = float(opacity.sum())
    if total == opacity.size:
        return values
    is_premultiplied = image.is_float and image.alpha_mode == "PREMUL"
    shown = colours if is_premultiplied else colours * opacity
    mean = shown.sum((0, 1)) / total if total else np.full(colours.shape[-1], 0.5)
    filled = shown + mean.astype(np.float32) * (1 - opacity)
    return np.concatenate([filled, np.ones_like(opacity)], axis=2)


def coverage_from_top(image: bpy.types.Image) -> Bytes:
    """Return how much an image covers as a mask, as bytes: its brightness times its opacity.

    Shapes: (H, W), first row at the top.
    """
    values = _values_from_top(image)
    brightness = values[..., :3] @ _BRIGHTNESS if image.channels >= 3 else values[..., 0]
    has_alpha = image.channels in (2, 4)
    return _levels(brightness * values[..., -1] if has_alpha else brightness)


def _values_from_top(image: Any) -> NDArray[np.float32]:
    """Return an image's values, (H, W, channels), first row at the top."""
    width, height = image.size
    values = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(height, width, image.channels)[::-1]


def _levels(values: NDArray[np.float32]) -> Bytes:
    levels: Bytes = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return levels


def _display_values(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sRGB's values of linear light (IEC 61966-2-1)."""
    clipped = np.clip(linear, 0, 1)
    curve = 1.055 * np.power(clipped, 1 / 2.4) - 0.055
    return np.where(clipped <= 0.0031308, clipped * 12.92, curve).astype(np.float32)


def png_of(rows: Bytes) -> bytes:
    """Return a PNG file.

    Shapes: (H, W, 3), first row at the top.
    """
    height, width, _ = rows.shape
    return encode_png((width, height), rows.tobytes())
