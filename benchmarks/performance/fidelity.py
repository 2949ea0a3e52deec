"""Part `fidelity`: how far this machine's precision and the tiled decode are from the plain way."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.performance.clocks import clock_for
from benchmarks.performance.peaks import can_measure, peak_of
from benchmarks.performance.phases import demo_document
from benchmarks.performance.record import Aim, Record
from benchmarks.sheets import sheet
from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.checks import check
from engine.contract.job import Job
from engine.families.base import Model
from engine.families.loading import load_model, resolve
from engine.runtime import autoencoder
from engine.runtime.autoencoder import KLCodec
from engine.runtime.codec import Codec
from engine.runtime.devices import Device, choose_device
from engine.sampling.events import Generated
from engine.sampling.generate import generate

Bytes = NDArray[np.uint8]

_SHOWN_PX = 300
_AMPLIFIED = {"precision": 4, "tiles": 64}
_TILED_DB = 45.0
_LIBRARY_TILE_PX = 512  # what diffusers gives Stable Diffusion's autoencoder


def measure(record: Record, folder: Path, *, quick: bool) -> None:
    """Make the demo's picture both ways, and decode it both ways; show all and what differs."""
    document = demo_document(quick=quick)
    job = check(document, folder=None).job_or_raise()
    fastest, exact = choose_device(), choose_device(dtype="float32")
    model = load_model(resolve(job.model, Path()), exact)
    latents = _latents(job, model)
    codec, on = model.codec, exact.torch_device
    whole = decoded(codec, latents, on)
    rows = []

    part = "The demo's job, against float32"
    if fastest.dtype == exact.dtype:
        record.remark(f"this machine works in {exact.dtype}: nothing to compare its precision with")
    else:
        rows.append(_precision(record, part, job, fastest, latents, whole))

    with patch.object(autoencoder, "WHOLE_CELLS", 0):
        part = "Decoding the demo's picture in tiles, against whole"
        tiled = _tiled(record, part, codec, latents, on, whole, Aim(value=_TILED_DB))
    rows.append(compared("whole", whole, "in tiles", tiled, _AMPLIFIED["tiles"]))
    part = "The same with diffusers' enable_tiling()"
    library = _tiled(record, part, _library_codec(), latents, on, whole)
    rows.append(compared("whole", whole, "enable_tiling()", library, _AMPLIFIED["tiles"]))
    sheet(rows, folder / "fidelity.jpg")


def _library_codec() -> Codec:
    """Return the bundled model's autoencoder, tiled as diffusers does it."""
    vae = AutoencoderKL.from_pretrained(BUNDLED_FOLDER, subfolder="vae").eval()
    vae.to(memory_format=torch.channels_last)
    codec = KLCodec(vae)
    vae.enable_tiling()
    vae.tile_sample_min_size = _LIBRARY_TILE_PX
    vae.tile_latent_min_size = _LIBRARY_TILE_PX // 8
    return codec


def _tiled(
    record: Record,
    part: str,
    codec: Codec,
    latents: Tensor,
    on: torch.device,
    whole: Bytes,
    aim: Aim | None = None,
) -> Bytes:
    """Decode in tiles and note how far from whole the picture is, and what it costs."""
    decoded(codec, latents, on)  # warms up
    seconds, found = clock_for(on).time(lambda: decoded(codec, latents, on))
    record.put(part, "picture's distance (PSNR)", psnr_db(found, whole), "dB", aim)
    record.put(part, "largest difference of a byte", float(_apart(found, whole).max()), "")
    record.put(part, "time", seconds, "s")
    if can_measure(on):
        peak = peak_of(lambda: decoded(codec, latents, on), on)
        record.put(part, "peak memory above the model", peak, "B")
    return found


def _precision(
    record: Record, part: str, job: Job, device: Device, latents: Tensor, whole: Bytes
) -> list[tuple[str, Bytes]]:
    """Make the picture again in the precision that this machine works in."""
    name = str(device.dtype).removeprefix("torch.")
    model = load_model(resolve(job.model, Path()), device)
    found = _latents(job, model)
    distance = float((found - latents).norm() / latents.norm())
    picture = decoded(model.codec, found, device.torch_device)
    record.put(part, f"{name}: latents' relative distance", distance, "%")
    record.put(part, f"{name}: picture's distance (PSNR)", psnr_db(picture, whole), "dB")
    return compared("float32", whole, name, picture, _AMPLIFIED["precision"])


def _latents(job: Job, model: Model) -> Tensor:
    events = generate(job, model)
    return next(one.latents.float().cpu() for one in events if isinstance(one, Generated))


@torch.inference_mode()
def decoded(codec: Codec, latents: Tensor, on: torch.device) -> Bytes:
    """Return the picture of latents, (H, W, 3)."""
    return np.concatenate(list(codec.decode(latents, on=on)))


def psnr_db(found: Bytes, expected: Bytes) -> float:
    """Return the peak signal-to-noise ratio of two pictures in dB."""
    error = float(np.square(_apart(found, expected)).mean())
    return 10.0 * float(np.log10(255.0**2 / max(error, 1e-9)))


def _apart(found: Bytes, expected: Bytes) -> NDArray[np.float64]:
    return np.abs(found.astype(np.float64) - expected)


def compared(
    first: str, one: Bytes, second: str, other: Bytes, factor: int
) -> list[tuple[str, Bytes]]:
    """Give the middles of two pictures, where regions and tiles meet, and their difference."""
    top, left = (max(0, (size - _SHOWN_PX) // 2) for size in one.shape[:2])
    middle = np.s_[top : top + _SHOWN_PX, left : left + _SHOWN_PX]
    apart = (_apart(one, other)[middle] * factor).clip(0, 255).astype(np.uint8)
    return [(first, one[middle]), (second, other[middle]), (f"difference x {factor}", apart)]
