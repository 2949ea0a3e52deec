"""Piece `decoding`: the autoencoder in the card's fast precision, against float32."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL

from benchmarks.performance.card.setting import Setting
from benchmarks.performance.fidelity import Bytes, decoded, psnr_db
from benchmarks.performance.peaks import peak_of
from benchmarks.performance.record import Aim, Record
from engine.contract.catalogue import BUNDLED_FOLDER
from engine.runtime.autoencoder import KLCodec
from engine.runtime.half_precision import LEAST_DB, measured

KEEPS = "keeps of a picture"


def measure(record: Record, setting: Setting) -> None:
    """What the bundled autoencoder keeps, which is trained; what one of the real shape takes."""
    on, aim = setting.device.torch_device, Aim(value=LEAST_DB)
    bundled = AutoencoderKL.from_pretrained(BUNDLED_FOLDER, subfolder="vae").eval().to(on)
    halves = (torch.bfloat16,) if setting.is_rehearsal else setting.dtypes
    for dtype in halves:
        name = str(dtype).removeprefix("torch.")
        kept = measured(bundled, on, dtype)
        part = "The bundled autoencoder in half precision, against float32"
        record.put(part, f"{name}: the encoder {KEEPS}", kept.encoder_db, "dB", aim)
        record.put(part, f"{name}: the decoder {KEEPS}", kept.decoder_db, "dB", aim)
    _time(record, setting, halves)


def _time(record: Record, setting: Setting, halves: tuple[torch.dtype, ...]) -> None:
    on, job, model = setting.device.torch_device, setting.header(), setting.model()
    codec = KLCodec(model._pipeline.vae)  # in float32, unless what is around it casts
    cells = (job.canvas_height // model.stride_px, job.canvas_width // model.stride_px)
    latents = torch.randn((1, model.channels, *cells), generator=torch.Generator().manual_seed(0))
    size = f"{job.canvas_width} × {job.canvas_height}"
    part = f"Decoding {size}, {setting.shape.name}, random weights"
    seconds: dict[str, float] = {}
    pictures: dict[torch.dtype, Bytes] = {}
    for dtype in (torch.float32, *halves):
        name = str(dtype).removeprefix("torch.")
        with torch.autocast(on.type, dtype, enabled=dtype != torch.float32):
            decoded(codec, latents, on)  # warms up
            seconds[name], pictures[dtype] = setting.clock.time(lambda: decoded(codec, latents, on))
            record.put(part, f"{name}: time", seconds[name], "s")
            peak = peak_of(lambda: decoded(codec, latents, on), on)
        record.put(part, f"{name}: memory above the model", peak, "B")
        if dtype != torch.float32:
            record.put(part, f"{name}: faster than float32", seconds["float32"] / seconds[name])
            distance = psnr_db(pictures[dtype], pictures[torch.float32])
            record.put(part, f"{name}: picture's distance (PSNR)", distance, "dB")
    record.series["card, decoding"] = {"label": "seconds a picture", "values": seconds}
