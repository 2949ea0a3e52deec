"""Image datablocks as files that the engine can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import (
    EngineError,
    UnreadableImageError,
    atomic_write,
    encode_grey_png,
    encode_png,
    read_size,
)
from . import folders

Bytes = NDArray[np.uint8]

_BRIGHTNESS = np.array((0.299, 0.587, 0.114), np.float32)  # as Pillow has it, for the engine
_SRGB = re.compile(r"srgb|.*srgb.*(texture|display|rec).*", re.IGNORECASE)
"""What Blender's and studios' colour configurations call the space of ordinary pictures."""
_IGNORES_ALPHA = frozenset({"NONE", "CHANNEL_PACKED"})
_NOT_LISTED = ".MixDiff Preview"  # whose first letter keeps it out of Blender's lists
_TIFF = frozenset({".tif", ".tiff"})
_CHOOSE = "find its file (File > External Data), or choose another picture"


def file_of_image(image: bpy.types.Image) -> Path:
    """Return the file that an image names, there or not."""
    library = image.library
    blend = bpy.data.filepath
    return folders.absolute(
        image.filepath_raw, str(folders.absolute(library.filepath, blend)) if library else blend
    )


def image_path(image: bpy.types.Image) -> Path | None:
    """Return the file that holds what an image shows, or None where it must be written first."""
    if image.source != "FILE" or image.packed_file or image.is_dirty:
        return None
    path = file_of_image(image)
    return path if is_as_in_file(image, path) else None


def is_as_in_file(image: bpy.types.Image, path: Path) -> bool:
    """Return whether the engine sees in a file what Blender shows of it as this image."""
    try:
        read_size(path)
    except (OSError, UnreadableImageError):
        return False  # perhaps a kind of file that Blender reads and the engine does not
    space: Any = image.colorspace_settings
    if not (space.is_data or _SRGB.fullmatch(space.name)):
        return False
    if image.alpha_mode in _IGNORES_ALPHA and image.depth in (32, 128):
        return False
    return path.suffix.lower() not in _TIFF or not image.is_float


def sequence_file(image: bpy.types.Image, number: int) -> Path:
    """Return the file of a sequence that holds its picture of a number, there or not."""
    path = file_of_image(image)
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem)
    if found is None:
        return path
    before, digits, after = found.groups()
    return path.with_name(f"{before}{number:0{len(digits)}d}{after}{path.suffix}")


def has_pixels(image: Any) -> bool:
    """Return whether an image shows anything; an image whose file is missing does not."""
    return all(image.size) and len(image.pixels) > 0


def write_mask(image: bpy.types.Image, path: Path) -> None:
    """Write how an image covers as a PNG: its brightness times its opacity, whatever its colours.

    Raises: EngineError of kind `picture` where it has no pixels, or `output`.
    """
    _require_pixels(image)
    with atomic_write(path) as file:
        file.write(png_of(np.repeat(coverage_from_top(image)[..., None], 3, axis=2)))


def write_picture(image: bpy.types.Image, path: Path, scene: bpy.types.Scene) -> None:
    """Write an image as a PNG that a picture viewer shows as Blender does; the image stays alone.

    A render, and what a node views, look as in their scene; all else has the look of its file.

    Raises: EngineError of kind `picture` where it has no pixels, or `output`.
    """
    is_view = image.source == "VIEWER"
    if image.type != "RENDER_RESULT":
        _require_pixels(image)
    draft = path.with_name(f".{path.name}")
    try:
        with nullcontext(scene) if is_view else _plain_look() as look, _as_png(look) as settings:
            settings.color_mode = "RGB" if image.alpha_mode in _IGNORES_ALPHA else "RGBA"
            image.save_render(str(draft), scene=look)
        read_size(draft)
        draft.replace(path)
    except (RuntimeError, OSError, UnreadableImageError) as error:
        with suppress(OSError):
            draft.unlink()
        with atomic_write(path) as file:  # says it where nothing can be written: Blender may not
            file.write(bytes(image.size[0] * image.size[1] * 4))
        path.unlink()
        raise EngineError(
            f"{image.name!r} shows nothing: {str(error).strip()}",
            kind="picture",
            advice="render it first (F12), or choose another picture" if is_view else _CHOOSE,
        ) from error


@contextmanager
def frame_of_sequence(image: bpy.types.Image, file: Path) -> Iterator[bpy.types.Image]:
    """Have one picture of a sequence as an image of its own for a moment.

    Raises: EngineError of kind `picture` where it cannot be read.
    """
    try:
        frame = bpy.data.images.load(str(file))
    except RuntimeError as error:
        raise EngineError(str(error).strip(), kind="picture", advice=_CHOOSE) from error
    try:
        space: Any = frame.colorspace_settings
        of_all: Any = image.colorspace_settings
        space.name = of_all.name
        frame.alpha_mode = image.alpha_mode
        yield frame
    finally:
        bpy.data.images.remove(frame)


@contextmanager
def _plain_look() -> Iterator[bpy.types.Scene]:
    """Make a scene for a moment that shows colours as plain picture viewers do."""
    look = bpy.data.scenes.new("MixDiff")
    try:
        view: Any = look.view_settings
        # A studio's own colour configuration may not know the name: then its default stands.
        with suppress(TypeError):
            view.view_transform = "Standard"
        yield look
    finally:
        # `scenes.remove` asks for the window: without one it ends Blender 4.3.
        bpy.data.batch_remove([look])


@contextmanager
def _as_png(scene: bpy.types.Scene) -> Iterator[Any]:
    """Have a scene write pictures as PNGs of 8 bits for a moment, in its own look."""
    settings: Any = scene.render.image_settings
    wanted = {"media_type": "IMAGE", "file_format": "PNG", "color_mode": "RGBA"}
    wanted |= {"color_depth": "8", "color_management": "FOLLOW_SCENE"}
    before = {name: getattr(settings, name) for name in wanted if hasattr(settings, name)}
    dither = scene.render.dither_intensity
    try:
        scene.render.dither_intensity = 0
        for name in before:
            setattr(settings, name, wanted[name])
        yield settings
    finally:
        scene.render.dither_intensity = dither
        for name, value in before.items():
            setattr(settings, name, value)


def _require_pixels(image: bpy.types.Image) -> None:
    if not has_pixels(image):
        raise EngineError(
            f"the picture {image.name!r} has no pixels", kind="picture", advice=_CHOOSE
        )


def values_of_file(path: Path) -> Bytes:
    """Return the bytes of a picture's colours as they stand in its file, (H, W, 3), from the top.

    Raises: EngineError of kind `picture` where it cannot be read.
    """
    try:
        image: Any = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise EngineError(str(error).strip(), kind="picture", advice=_CHOOSE) from error
    try:
        image.colorspace_settings.is_data = True
        _require_pixels(image)
        return _levels(_values_from_top(image)[..., :3])
    finally:
        bpy.data.images.remove(image)


def pixels_of_file(path: Path) -> NDArray[np.float32]:
    """Return a picture as a picture viewer shows it, (H, W, 4), the first row at the bottom.

    Blender reads PNGs from files alone, and as datablocks alone: this one is gone again after it.

    Raises: EngineError of kind `picture` where it cannot be read.
    """
    try:
        image: Any = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise EngineError(str(error).strip(), kind="picture", advice=_CHOOSE) from error
    try:
        image.name = _NOT_LISTED
        image.colorspace_settings.is_data = True
        width, height = image.size
        if image.channels != 4 or not width * height:
            raise EngineError(f"{path} shows nothing", kind="picture", advice=_CHOOSE)
        pixels = np.empty(width * height * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(height, width, 4)
    finally:
        bpy.data.images.remove(image, do_unlink=False)


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


def grey_png_of(numbers: NDArray[np.uint16]) -> bytes:
    """Return a PNG file in grey, 16 bits each; what changes evenly takes little room.

    Shapes: (H, W), first row at the top.
    """
    height, width = numbers.shape
    lines = numbers.astype(">u2").view(np.uint8).reshape(height, 2 * width)
    before = np.pad(lines, ((1, 0), (0, 0)))[:-1]
    return encode_grey_png((width, height), (lines - before).tobytes())


def png_of(rows: Bytes) -> bytes:
    """Return a PNG file.

    Shapes: (H, W, 3), first row at the top.
    """
    height, width, _ = rows.shape
    return encode_png((width, height), rows.tobytes())
