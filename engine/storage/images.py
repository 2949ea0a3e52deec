"""Pictures from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from engine.contract.errors import EngineError
from engine.contract.limits import Limits


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
