"""Part `fidelity`: how far this machine's precision and the tiled decode are from the plain way."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.performance.phases import demo_document
from benchmarks.performance.record import Aim, Record
from benchmarks.sheets import sheet
from engine.contract.checks import check
from engine.contract.job import Job
from engine.families.base import Model
from engine.families.loading import load_model, resolve
from engine.runtime import autoencoder as decode
from engine.runtime.devices import Device, choose_device
from engine.sampling.events import Generated
from engine.sampling.generate import generate

Bytes = NDArray[np.uint8]

_SHOWN_PX = 300
_AMPLIFIED = {"precision": 4, "tiles": 64}
_TILED_DB = 45.0


def measure(record: Record, folder: Path, *, quick: bool) -> None:
    """Make the demo's picture both ways, and decode it both ways; show all and what differs."""
    document = demo_document(quick=quick)
    job = check(document, folder=None).job_or_raise()
    fastest, exact = choose_device(), choose_device(dtype="float32")
    model = load_model(resolve(job.model, Path()), exact)
    latents = _latents(job, model)
    whole = decoded(model, latents)
    rows = []

    part = "The demo's job, against float32"
    if fastest.dtype == exact.dtype:
        record.remark(f"this machine works in {exact.dtype}: nothing to compare its precision with")
    else:
        rows.append(_precision(record, part, job, fastest, latents, whole))

    with patch.object(decode, "WHOLE_CELLS", 0):
        tiled = decoded(model, latents)
    aim = Aim(value=_TILED_DB)
    part = "Decoding the demo's picture in tiles, against whole"
    record.put(part, "picture's distance (PSNR)", psnr_db(tiled, whole), "dB", aim)
    record.put(part, "largest difference of a byte", float(_apart(tiled, whole).max()), "")
    rows.append(compared("whole", whole, "in tiles", tiled, _AMPLIFIED["tiles"]))
    sheet(rows, folder / "fidelity.jpg")


def _precision(
    record: Record, part: str, job: Job, device: Device, latents: Tensor, whole: Bytes
) -> list[tuple[str, Bytes]]:
    """Make the picture again in the precision that this machine works in."""
    name = str(device.dtype).removeprefix("torch.")
    model = load_model(resolve(job.model, Path()), device)
    found = _latents(job, model)
    distance = float((found - latents).norm() / latents.norm())
    picture = decoded(model, found)
    record.put(part, f"{name}: latents' relative distance", distance, "%")
    record.put(part, f"{name}: picture's distance (PSNR)", psnr_db(picture, whole), "dB")
    return compared("float32", whole, name, picture, _AMPLIFIED["precision"])


def _latents(job: Job, model: Model) -> Tensor:
    *_, last = generate(job, model, references={})
    assert isinstance(last, Generated)
    return last.latents.float().cpu()


@torch.inference_mode()
def decoded(model: Model, latents: Tensor) -> Bytes:
    """Return the picture of latents, (H, W, 3)."""
    on = model.device.torch_device
    return np.concatenate(list(model.codec.decode(latents, on=on)))


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
