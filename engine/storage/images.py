"""Pictures from files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.contract.errors import EngineError
from engine.contract.job import Job
from engine.contract.limits import Limits

_DEEP = "I;16"  # how the modes of 16 bits a pixel begin
_DEEPEST = 2**16 - 1


def open_image(path: Path, limits: Limits) -> Image.Image:
    """Return a picture in RGB.

    Raises: EngineError of kind `picture` where it cannot be read or is absurdly large.
    """
    with _opened(path, limits) as image:
        if image.mode.startswith(_DEEP):
            deep = np.asarray(image, dtype=np.uint16)
            return Image.fromarray((deep >> 8).astype(np.uint8)).convert("RGB")
        return image.convert("RGB")


def open_mask(path: Path, limits: Limits) -> npt.NDArray[np.float32]:
    """Return a mask: how bright each pixel of a picture is, times its opacity.

    Shapes: (H, W), from 0 to 1.
    Raises: EngineError of kind `picture` where it cannot be read or is absurdly large.
    """
    with _opened(path, limits) as image:
        if image.mode.startswith(_DEEP):
            return (np.asarray(image) / _DEEPEST).astype(np.float32)
        levels = np.asarray(image.convert("LA")) / 255
        return (levels[..., 0] * levels[..., 1]).astype(np.float32)


def open_masks(job: Job, folder: Path, limits: Limits) -> dict[str, npt.NDArray[np.float32]]:
    """Return the masks of a job's regions by their names, which start at `folder`.

    Raises: EngineError of kind `picture`, as `open_mask`.
    """
    names = {region.mask for region in job.regions if region.mask is not None}
    return {name: open_mask(folder / name, limits) for name in names}


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
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EngineError(
            f"{path} is no picture that can be read: {error}",
            kind="picture",
            advice="save it anew, as PNG for example",
        ) from error
