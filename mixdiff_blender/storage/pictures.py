"""Image datablocks as files that the engine can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import EngineError, UnreadablePictureError, atomic_write, encode_png, read_size

Bytes = NDArray[np.uint8]


def picture_path(image: bpy.types.Image) -> Path | None:
    """Return the file that holds what an image shows, or None where it must be written first."""
    if image.source != "FILE" or image.packed_file or image.is_dirty:
        return None
    path = Path(bpy.path.abspath(image.filepath_raw, library=image.library))
    try:
        read_size(path)
    except (OSError, UnreadablePictureError):
        return None  # perhaps a kind of file that Blender reads and the engine does not
    return path


def has_pixels(image: bpy.types.Image) -> bool:
    """Tell whether an image shows anything; an image whose file is missing does not."""
    return all(_size(image)) and len(_pixels(image)) > 0


def _size(image: Any) -> tuple[int, int]:
    width, height = image.size
    return width, height


def _pixels(image: bpy.types.Image) -> Any:
    return image.pixels  # an array, though its type says a number


def write_png(image: bpy.types.Image, path: Path) -> None:
    """Write what an image shows as an 8-bit PNG, and leave the image itself alone.

    Raises: EngineError of kind `picture` where it has no pixels, or `output`.
    """
    if not has_pixels(image):
        raise EngineError(
            f"the picture {image.name!r} has no pixels",
            kind="picture",
            advice="find its file (File > External Data), or choose another picture",
        )
    content = png_of(rows_from_top(image))
    with atomic_write(path) as file:
        file.write(content)


def rows_from_top(image: bpy.types.Image) -> Bytes:
    """Return an image's pixels as bytes, as a picture viewer shows them.

    Shapes: (H, W, 3), first row at the top.
    """
    width, height = _size(image)
    values = np.empty(width * height * image.channels, dtype=np.float32)
    _pixels(image).foreach_get(values)
    rows = values.reshape(height, width, image.channels)[::-1]
    rows = np.repeat(rows[..., :1], 3, axis=2) if image.channels < 3 else rows[..., :3]
    if image.is_float:  # scene-linear
        rows = _display_values(rows)
    levels: Bytes = np.rint(np.clip(rows, 0, 1) * 255).astype(np.uint8)
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
