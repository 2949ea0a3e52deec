"""Whether a model's autoencoder may work in a device's fast precision: measured once, and noted.

Some keep a picture in half precision as good as whole, some do not: SDXL's overflows in float16.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.contract.errors import EngineError
from engine.contract.files import atomic_write
from engine.runtime.devices import takes_bfloat16

log = logging.getLogger(__name__)

LEAST_DB = 45.0
"""What must be kept of a picture: differences from float32 of a byte or two, here and there."""

_NOTE = "autoencoders.json"
_MOST_NOTED = 200
_MEASURED_PX = 256
_DIGESTED = 16  # numbers of each tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The peak signal-to-noise ratio to float32 that each half of an autoencoder keeps, in dB."""

    encoder_db: float
    decoder_db: float


class HalfPrecision:
    """Which precision the two halves of an autoencoder work in; the first question measures it."""

    def __init__(self, vae: Any, dtype: torch.dtype) -> None:
        """`dtype` is what the model's network works in: in float32 all of it does."""
        self._vae, self._dtype = vae, dtype
        self._kept: dict[torch.device, Kept] = {}

    def encoding(self, on: torch.device) -> AbstractContextManager[Any]:
        """Return the context in which pictures are encoded on a device."""
        return self._context(on, lambda kept: kept.encoder_db)

    def decoding(self, on: torch.device) -> AbstractContextManager[Any]:
        """Return the context in which pictures are decoded on a device."""
        return self._context(on, lambda kept: kept.decoder_db)

    def _context(
        self, on: torch.device, kept_db: Callable[[Kept], float]
    ) -> AbstractContextManager[Any]:
        dtype = self._fast(on)
        if dtype is None:
            return nullcontext()
        if on not in self._kept:
            self._kept[on] = _kept(self._vae, on, dtype)
        if kept_db(self._kept[on]) < LEAST_DB:
            return nullcontext()
        return torch.autocast(on.type, dtype)

    def _fast(self, on: torch.device) -> torch.dtype | None:
        if self._dtype == torch.float32:
            return None
        if on.type == "cpu":
            return torch.bfloat16 if takes_bfloat16("cpu") else None
        return self._dtype if on.type == "cuda" else None


def _kept(vae: Any, on: torch.device, dtype: torch.dtype) -> Kept:
    name = str(dtype).removeprefix("torch.")
    key = f"{_digest(vae)} {on.type} {name} {torch.__version__}"
    path = note_path(os.environ)
    noted = _read(path)
    if key not in noted:
        found = measured(vae, on, dtype)
        log.info("the autoencoder keeps %.0f and %.0f dB in %s", *_both(found), name)
        noted = {**dict([*noted.items()][-_MOST_NOTED:]), key: found}
        _write(path, noted)
    return noted[key]


def _both(kept: Kept) -> tuple[float, float]:
    return kept.encoder_db, kept.decoder_db


@torch.inference_mode()
def measured(vae: Any, on: torch.device, dtype: torch.dtype) -> Kept:
    """Return what an autoencoder, in float32 and on its device, keeps of a picture in a dtype."""
    picture = _picture().to(on)
    latents = vae.encode(picture).latent_dist.mode()
    exact = _decoded(vae, latents)
    with torch.autocast(on.type, dtype):
        coarse = vae.encode(picture).latent_dist.mode().float()
        decoded = _decoded(vae, latents)
    return Kept(
        encoder_db=_psnr_db(_decoded(vae, coarse), exact), decoder_db=_psnr_db(decoded, exact)
    )


def _decoded(vae: Any, latents: Tensor) -> Tensor:
    colours: Tensor = vae.decode(latents, return_dict=False)[0].float()
    return (colours / 2 + 0.5).clamp(0, 1)


def _psnr_db(one: Tensor, other: Tensor) -> float:
    """Return the ratio of two pictures with colours from 0 to 1; 0 where one has no numbers."""
    error = float((one - other).square().mean())
    return float(-10 * torch.tensor(max(error, 1e-10)).log10()) if error == error else 0.0


@lru_cache(maxsize=1)
def _picture() -> Tensor:
    """Return what is measured by: slopes, edges of all colours and contrasts, and grain.

    Shapes: (1, 3, H, W), from -1 to 1.
    """
    generator = torch.Generator().manual_seed(0)
    across = torch.linspace(-1, 1, _MEASURED_PX)
    slopes = torch.stack(
        [across.expand(_MEASURED_PX, -1), across[:, None].expand(-1, _MEASURED_PX)]
    )
    slopes = torch.cat([slopes, (slopes[:1] * slopes[1:])])
    fields = torch.rand((3, 16, 16), generator=generator) * 2 - 1
    blocks = fields.repeat_interleave(_MEASURED_PX // 16, 1).repeat_interleave(
        _MEASURED_PX // 16, 2
    )
    grain = torch.randn((3, _MEASURED_PX, _MEASURED_PX), generator=generator) * 0.1
    return (slopes / 2 + blocks / 2 + grain).clamp(-1, 1)[None]


def _digest(vae: Any) -> str:
    """Return what tells an autoencoder from another: its shapes, and some of all its numbers."""
    found = hashlib.sha256()
    for name, tensor in vae.state_dict().items():
        some = tensor.detach().flatten()[:_DIGESTED].float().cpu().numpy()
        found.update(f"{name}{tuple(tensor.shape)}".encode() + some.tobytes())
    return found.hexdigest()[:32]


def note_path(variables: Mapping[str, str]) -> Path:
    """Return where it is noted what autoencoders keep, beside the caches of models."""
    cache = variables.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "mixdiff" / _NOTE


def _read(path: Path) -> dict[str, Kept]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(key): Kept(encoder_db=float(value[0]), decoder_db=float(value[1]))
            for key, value in document.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return {}


def _write(path: Path, noted: Mapping[str, Kept]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(json.dumps({key: _both(kept) for key, kept in noted.items()}).encode())
    except (OSError, EngineError) as error:
        log.info("what the autoencoder keeps is not noted: %s", error)
