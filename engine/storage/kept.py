"""Earlier pictures from their files, with the latents that a PNG of the engine keeps of its own."""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engine.contract.earlier import Kept
from engine.contract.errors import EngineError
from engine.contract.files import path_in
from engine.contract.limits import Limits
from engine.contract.png import ZLIB_LEVEL, read_latents_chunk
from engine.storage.images import open_image, open_mask
from engine.storage.png import Pixels

log = logging.getLogger(__name__)

Latents = npt.NDArray[np.float32]

_MOST_BYTES = 2**28
_KEY = "latents"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPicture:
    """A picture that is kept: its pixels (H, W, 3), and its latents (1, C, h, w) if it has them.

    `mask` (H, W), from 0 to 1, is what may change of it.
    """

    pixels: Pixels
    latents: Latents | None = None
    mask: npt.NDArray[np.float32] | None = None


def open_kept(kept: Kept, folder: Path, limits: Limits, *, made_with: str) -> EarlierPicture:
    """Return what a job keeps; its paths start at `folder`.

    Latents of another model than `made_with` are none.

    Raises: EngineError of kind `picture` where a file cannot be read.
    """
    path = path_in(folder, kept.picture)
    return EarlierPicture(
        pixels=np.array(open_image(path, limits)),
        latents=read_latents(path, made_with),
        mask=None if kept.mask is None else open_mask(path_in(folder, kept.mask), limits),
    )


def latents_note(latents: Latents, made_with: str) -> bytes:
    """Return what a PNG keeps of its picture's latents, in half precision, and of their model.

    Nothing where a number is too large for that.
    """
    with np.errstate(over="ignore"):
        half = latents.astype(np.float16)
    if not np.isfinite(half).all():
        return b""
    return made_with.encode() + b"\0" + zlib.compress(save({_KEY: half}), ZLIB_LEVEL)


def read_latents(path: Path, made_with: str) -> Latents | None:
    """Return the latents that a picture keeps, where it is as a model of that name made it."""
    try:
        model, _, data = read_latents_chunk(path).partition(b"\0")
        if model != made_with.encode():
            return None
        decompressor = zlib.decompressobj()
        tensor = load(decompressor.decompress(data, _MOST_BYTES))[_KEY]
        return tensor.astype(np.float32) if np.isfinite(tensor).all() else None
    except (EngineError, SafetensorError, zlib.error, KeyError, ValueError, TypeError) as error:
        log.info("%s keeps no latents: %s", path, error)
        return None
