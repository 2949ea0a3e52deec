"""The loop of the original: one region after another, both passes of each in a batch of two.

Written as plainly as the original is, and sharing nothing with the engine but diffusers' models:
what the engine's speed is measured against.

Source: Álvaro Barbero Jiménez, arXiv 2302.02412, and its public implementation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from engine.contract.geometry import Rectangle
from engine.contract.job import Job

_VARIANCE = 0.01


@torch.no_grad()
def plain_run(
    pipeline: Any, scheduler: Any, job: Job, results: dict[str, Tensor], *, decodes: bool
) -> Iterator[str]:
    """Yield after the texts, after every step, and after the picture where it `decodes`.

    The final latents, (1, C, h, w), are put into `results`.
    """
    unet, vae, stride = pipeline.unet, pipeline.vae, pipeline.vae_scale_factor
    device = unet.device
    scheduler.set_timesteps(job.num_inference_steps, device=device)

    def embed(text: str) -> Tensor:
        tokens = pipeline.tokenizer(
            text,
            padding="max_length",
            max_length=pipeline.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        return pipeline.text_encoder(tokens.input_ids.to(device))[0]

    size = (job.canvas_height // stride, job.canvas_width // stride)
    generator = torch.Generator().manual_seed(job.seed or 0)
    noise = torch.randn((1, unet.config.in_channels, *size), generator=generator)
    latents = noise.to(device) * scheduler.init_noise_sigma
    texts = [torch.cat([embed(""), embed(r.prompt)]) for r in job.text_regions]
    weights = [_gaussian(region, stride).to(latents) for region in job.text_regions]
    yield "encoding"

    for t in scheduler.timesteps:
        total, weight_sum = torch.zeros_like(latents), torch.zeros_like(latents)
        for region, text, weight in zip(job.text_regions, texts, weights, strict=True):
            rows = slice(region.row_init // stride, region.row_end // stride)
            columns = slice(region.col_init // stride, region.col_end // stride)
            crop = latents[:, :, rows, columns]
            seen = scheduler.scale_model_input(torch.cat([crop, crop]), t).to(unet.dtype)
            without, given = unet(seen, t, encoder_hidden_states=text).sample.chunk(2)
            guided = without + region.guidance_scale * (given - without)
            total[:, :, rows, columns] += guided * weight
            weight_sum[:, :, rows, columns] += weight
        mixed = torch.where(weight_sum > 0, total / weight_sum, 0.0)
        latents = scheduler.step(mixed, t, latents).prev_sample
        yield "step"

    results["latents"] = latents
    if decodes:
        decoded = vae.decode(latents.to(vae.dtype) / vae.config.scaling_factor).sample
        ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).cpu()
        yield "decoding"


def _gaussian(region: Rectangle, stride: int) -> Tensor:
    def axis(cells: int) -> Tensor:
        distance = (torch.arange(cells) - (cells - 1) / 2) / cells
        return torch.exp(-(distance**2) / (2 * _VARIANCE)) / math.sqrt(2 * math.pi * _VARIANCE)

    return torch.outer(axis(region.height_px // stride), axis(region.width_px // stride))
