"""Pictures from files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from engine.contract.errors import EngineError
from engine.contract.files import path_in
from engine.contract.job import Job
from engine.contract.limits import Limits

_DEEPEST = {"I;16": 2**16 - 1, "I;16B": 2**16 - 1, "I;16L": 2**16 - 1, "I": 2**16 - 1, "F": 1.0}
"""The largest number of each of Pillow's greyscale modes of more than 8 bits."""

_MOVING = ("GIF", "PNG", "WEBP", "TIFF")


def open_image(path: Path, limits: Limits) -> Image.Image:
    """Return a picture in RGB.

    Raises: EngineError of kind `picture` where it cannot be read or is absurdly large.
    """
    with _opened(path, limits) as image:
        return _opaque(_in_bytes(_in_srgb(image)))


def count_frames(path: Path, limits: Limits) -> int:
    """Return how many pictures a file shows one after another, of which the first is read.

    Raises: EngineError of kind `picture` where it cannot be read.
    """
    with _opened(path, limits) as _, Image.open(path) as image:
        return getattr(image, "n_frames", 1) if image.format in _MOVING else 1


def open_mask(path: Path, limits: Limits) -> npt.NDArray[np.float32]:
    """Return a mask: how bright each pixel of a picture is, times its opacity.

    Shapes: (H, W), from 0 to 1.
    Raises: EngineError of kind `picture` where it cannot be read or is absurdly large.
    """
    with _opened(path, limits) as opened:
        if opened.mode in _DEEPEST:
            return _shares(opened)
        levels = np.asarray(opened.convert("LA")) / 255
        return (levels[..., 0] * levels[..., 1]).astype(np.float32)


def open_masks(job: Job, folder: Path, limits: Limits) -> dict[str, npt.NDArray[np.float32]]:
    """Return the masks of a job's regions by their names, and the maps of their strengths.

    Their names start at `folder`.

    Raises: EngineError of kind `picture`, as `open_mask`.
    """
    maps = [region.strength_map for region in job.image_regions]
    names = {name for name in (*(r.mask for r in job.regions), *maps) if name is not None}
    return {name: open_mask(path_in(folder, name), limits) for name in names}


def open_controls(job: Job, folder: Path, limits: Limits) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the pictures that a job's controls name, (H, W, 3), by their names.

    Raises: EngineError of kind `picture` where one cannot be read or is absurdly large.
    """
    regions = (region.controls_in(job) for region in job.text_regions)
    names = {one.image for controls in regions for one in controls if one.scale > 0}
    return {name: np.array(open_image(path_in(folder, name), limits)) for name in names}


def open_references(job: Job, folder: Path, limits: Limits) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the pictures that a job's regions follow, (H, W, 3), by their names.

    Raises: EngineError of kind `picture` where one cannot be read or is absurdly large.
    """
    names = {one.image for region in job.text_regions for one in region.references_in(job)}
    return {name: np.array(open_image(path_in(folder, name), limits)) for name in names}


def open_colours(job: Job, folder: Path, limits: Limits) -> npt.NDArray[np.uint8]:
    """Return the colours of a job's noise map as they stand in its file, (H, W, 3).

    Raises: EngineError of kind `picture` where it cannot be read, or is not as large as the canvas.
    """
    path = path_in(folder, job.noise_map or "")
    with _opened(path, limits) as image:
        width, height = image.size
        if (width, height) != (job.canvas_width, job.canvas_height):
            raise EngineError(
                f"the noise map {path} has {width} × {height} pixels, the canvas "
                f"{job.canvas_width} × {job.canvas_height}",
                kind="picture",
                advice="give one that is as large as the canvas, or leave noise_map out",
            )
        return np.array(image.convert("RGB"))


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return a picture in sRGB where its profile says that it is in another space, as phones do."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(own):
            return image
        mode = "RGB" if image.mode == "CMYK" else image.mode
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, own, srgb, outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError):
        return image  # a profile that is damaged is none, to viewers too


def _in_bytes(image: Image.Image) -> Image.Image:
    """Return a picture with a byte for each number; deep ones would be cut off, not scaled."""
    if image.mode not in _DEEPEST:
        return image
    return Image.fromarray((_shares(image) * 255).round().astype(np.uint8))


def _shares(image: Image.Image) -> npt.NDArray[np.float32]:
    """Return the numbers of a deep greyscale picture, (H, W), from 0 to 1."""
    numbers = np.nan_to_num(np.asarray(image, dtype=np.float64))
    shares: npt.NDArray[np.float32] = (numbers / _DEEPEST[image.mode]).clip(0, 1).astype(np.float32)
    return shares


def _opaque(image: Image.Image) -> Image.Image:
    """Return a picture in RGB, what is transparent in it filled with the mean of what is not.

    What colours a file hides under full transparency is chance, and no viewer shows them.
    """
    if not image.has_transparency_data:
        return image.convert("RGB")
    pixels = np.asarray(image.convert("RGBA"), dtype=np.float32)
    colours, opacity = pixels[..., :3], pixels[..., 3:] / 255
    seen = float(opacity.sum())
    mean = (colours * opacity).sum((0, 1)) / seen if seen else np.full(3, 255 / 2)
    filled = colours * opacity + mean * (1 - opacity)
    return Image.fromarray(filled.round().astype(np.uint8))


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            if image.width * image.height > limits.max_picture_px:
                raise EngineError(
                    f"{path} has {image.width} × {image.height} pixels, over the limit of "
                    f"{limits.max_picture_px} pixels",
                    kind="picture",
                    advice="scale it down",
                )
            yield ImageOps.exif_transpose(image)
    except (EngineError, MemoryError):
        raise
    except Exception as error:  # of a damaged file Pillow may raise any
        raise EngineError(
            f"{path} is no picture that can be read: {error}",
            kind="picture",
            advice="save it anew, as PNG for example",
        ) from error
