"""Reference pictures: read, and brought to the shape that an autoencoder takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.contract.errors import EngineError
from engine.contract.limits import Limits

_REFERENCE_MULTIPLE_PX = 32


def open_picture(path: Path, limits: Limits) -> Image.Image:
    """Return a picture in RGB.

    Raises: EngineError of kind `picture` where it cannot be read or is absurdly large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > limits.max_picture_px:
                raise EngineError(
                    f"{path} has {image.width} × {image.height} pixels, over the limit of "
                    f"{limits.max_picture_px} pixels",
                    kind="picture",
                    advice="scale it down",
                )
            if image.mode.startswith("I;16"):
                deep = np.asarray(image, dtype=np.uint16)
                return Image.fromarray((deep >> 8).astype(np.uint8)).convert("RGB")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EngineError(
            f"{path} is no picture that can be read: {error}",
            kind="picture",
            advice="save it anew, as PNG for example",
        ) from error


def preprocess_image(image: Image.Image) -> Tensor:
    """Return a picture as the original's image regions take it.

    Shapes: (1, 3, H, W), float32 in [-1, 1]; H and W are the picture's, down to a multiple of 32.
    """
    width, height = (
        max(side // _REFERENCE_MULTIPLE_PX, 1) * _REFERENCE_MULTIPLE_PX for side in image.size
    )
    resized = image.resize((width, height), resample=Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.asarray(resized).astype(np.float32) / 255.0)  # (H, W, 3)
    return 2.0 * values.permute(2, 0, 1)[None] - 1.0


def fitted(picture: Tensor, height_px: int, width_px: int) -> Tensor:
    """Return a preprocessed picture resized to a region.

    Shapes: (1, 3, H, W) to (1, 3, height, width).
    """
    size = (height_px, width_px)
    return torch.nn.functional.interpolate(picture, size=size, mode="bilinear", antialias=True)
