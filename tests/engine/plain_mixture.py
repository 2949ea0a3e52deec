"""Mixture of Diffusers written a second time, as plainly as can be: what the engine is held to.

One region after another, nothing shared with the engine but diffusers' own models. It agrees with
the reference latents in tests/data/reference, which another implementation computed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.engine.plain_base import base_sides, beta_at, mixed_with_base

Document = Mapping[str, Any]


def axis(kind: str, cells: int) -> list[float]:
    """Return the weights of a falloff along one axis."""
    if kind == "constant":
        return [1.0] * cells
    middle = (cells - 1) / 2
    if kind == "gaussian":
        norm = math.sqrt(2 * math.pi * 0.01)
        return [math.exp(-((x - middle) ** 2) / cells**2 / 0.02) / norm for x in range(cells)]
    spread = [-0.995 + 1.99 * x / (cells - 1) for x in range(cells)]
    return [15 / 16 * (1 - s * s) ** 2 for s in spread]


def _covered(region: Document, job: Document, masks: Mapping[str, Tensor]) -> Tensor | float:
    """Return what a region's mask covers of its cells; the mask's sides are multiples of theirs."""
    if region.get("mask") is None:
        return 1.0
    mask = masks[region["mask"]][None, None].double()
    if region.get("mask_area", "region") == "canvas":
        cells = torch.nn.functional.adaptive_avg_pool2d(
            mask, (job["canvas_height"] // 8, job["canvas_width"] // 8)
        )
        rows, columns = _cells(region)
        return cells[0, 0, rows, columns]
    rows, columns = (region["row_end"] - region["row_init"], region["col_end"] - region["col_init"])
    return torch.nn.functional.adaptive_avg_pool2d(mask, (rows // 8, columns // 8))[0, 0]


def _weights(region: Document, rows: int, columns: int) -> Tensor:
    kind = region.get("mask_type", "gaussian")
    down = torch.tensor(axis(kind, rows), dtype=torch.float64)
    across = torch.tensor(axis(kind, columns), dtype=torch.float64)
    return down[:, None] * across[None, :] * region.get("mask_weight", 1.0)


def _cells(region: Document) -> tuple[slice, slice]:
    return (
        slice(region["row_init"] // 8, region["row_end"] // 8),
        slice(region["col_init"] // 8, region["col_end"] // 8),
    )


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _tokens(tokenizer: Any, text: str) -> Tensor:
    tokens: Tensor = tokenizer(
        re.sub(" +", " ", text).replace("\n", " "),
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    return tokens


def _look_of_sd(pipeline: Any, crop: Tensor, t: Tensor, text: str, *, is_negative: bool) -> Tensor:
    embedded = pipeline.text_encoder(_tokens(pipeline.tokenizer, text))[0]
    seen: Tensor = pipeline.unet(crop, t, encoder_hidden_states=embedded)[0]
    return seen


def _look_of_sdxl(
    pipeline: Any, crop: Tensor, t: Tensor, text: str, *, is_negative: bool
) -> Tensor:
    first = pipeline.text_encoder(_tokens(pipeline.tokenizer, text), output_hidden_states=True)
    second = pipeline.text_encoder_2(_tokens(pipeline.tokenizer_2, text), output_hidden_states=True)
    embedded = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
    pooled = second.text_embeds
    if is_negative and text == "":
        embedded, pooled = torch.zeros_like(embedded), torch.zeros_like(pooled)
    height, width = 8 * crop.shape[2], 8 * crop.shape[3]
    native = 8 * pipeline.unet.config.sample_size
    factor = max(1.0, native / math.sqrt(height * width))
    sizes = [round(height * factor), round(width * factor), 0, 0, height, width]
    added = {"text_embeds": pooled, "time_ids": torch.tensor([sizes], dtype=torch.float32)}
    seen: Tensor = pipeline.unet(crop, t, encoder_hidden_states=embedded, added_cond_kwargs=added)[
        0
    ]
    return seen


def _with_base(
    pipeline: Any,
    scheduler: Any,
    job: Document,
    step: tuple[Tensor, Tensor, Tensor],
    beta: float,
) -> Tensor:
    """Return a step's mixture with the base pass of a model that predicts noise, or v."""
    mixed, seen, t = step
    look = _look_of_sdxl if hasattr(pipeline, "text_encoder_2") else _look_of_sd
    is_v = scheduler.config.prediction_type == "v_prediction"
    kept = scheduler.alphas_cumprod.double()
    sigmas = ((1 - kept) / kept).sqrt().numpy()
    one, zero = torch.ones(1), torch.zeros(1)
    at = t.reshape(1)
    sigma = scheduler.add_noise(zero, one, at).item() / scheduler.add_noise(one, zero, at).item()

    def strengths(sigma: float) -> tuple[float, float]:
        return 1 / math.hypot(1, sigma), sigma / math.hypot(1, sigma)

    def predicted(small: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        picture, noise = strengths(sigma)
        when = np.interp(np.log(sigma), np.log(sigmas), np.arange(len(sigmas)))
        small, t = (noise * small).float(), torch.tensor(when, dtype=torch.float32)
        without = look(pipeline, small, t, job.get("negative_prompt", ""), is_negative=True)
        given = look(pipeline, small, t, job["base_prompt"], is_negative=False)
        found = (without + job["base_guidance_scale"] * (given - without)).double()
        if is_v:
            return picture * small - noise * found, noise * small + picture * found
        return (small - noise * found) / picture, found

    def of(picture: Tensor, noise: Tensor) -> Tensor:
        own = strengths(sigma)
        return own[0] * noise - own[1] * picture if is_v else noise

    cells = tuple(side // 8 for side in base_sides(job, 8))
    return mixed_with_base(mixed, seen, (cells[0], cells[1]), beta, predicted, of, strengths(sigma))


@torch.no_grad()
def plain_mixture(
    pipeline: Any,
    scheduler: Any,
    job: Document,
    pictures: Mapping[str, Tensor] | None = None,
    masks: Mapping[str, Tensor] | None = None,
    kept: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Return the latents, (1, C, h, w), of a job whose seeds and guidances are all given."""
    masks = masks or {}
    unet, vae = pipeline.unet, pipeline.vae
    look = _look_of_sdxl if hasattr(pipeline, "text_encoder_2") else _look_of_sd
    texts = [r for r in job["regions"] if r["type"] == "text2image"]
    images = [r for r in job["regions"] if r["type"] == "image2image"]
    rerolls = job.get("reroll_regions", [])
    steps = job["num_inference_steps"]
    scheduler.set_timesteps(steps)

    shape = (1, unet.config.in_channels, job["canvas_height"] // 8, job["canvas_width"] // 8)
    generator = _seeded(job["seed"])
    noise = torch.randn(shape, generator=generator)
    for region in (r for r in rerolls if r.get("reroll_mode", "reset") == "reset"):
        rows, columns = _cells(region)
        part = noise[:, :, rows, columns]
        part[:] = torch.randn(part.shape, generator=_seeded(region["region_seed"]))
    epsilon = [r for r in rerolls if r.get("reroll_mode", "reset") == "epsilon"]
    for region in (r for r in [*job["regions"], *epsilon] if r.get("noise_eps", 0) > 0):
        rows, columns = _cells(region)
        part = noise[:, :, rows, columns]
        part += region["noise_eps"] * torch.randn(
            part.shape, generator=_seeded(region["region_seed"])
        )
    latents = noise * scheduler.init_noise_sigma

    anchors = []
    for region in images:
        picture = torch.nn.functional.interpolate(
            (pictures or {})[region["reference_image"]],
            size=(region["row_end"] - region["row_init"], region["col_end"] - region["col_init"]),
            mode="bilinear",
            antialias=True,
        )
        encoded = vae.encode(picture).latent_dist.sample(generator=generator)
        offset = scheduler.config.get("steps_offset", 0)
        k = min(int(steps * (1 - region["strength"])) + offset, steps)
        until = scheduler.timesteps[min(max(steps - k + offset, 0), steps - 1)]
        covered = _covered(region, job, masks) if region.get("mask") else None
        anchors.append((_cells(region), encoded * vae.config.scaling_factor, until, covered))

    for index, t in enumerate(scheduler.timesteps):
        total = torch.zeros(shape, dtype=torch.float64)
        weight_sum = torch.zeros(shape[2:], dtype=torch.float64)
        for region in texts:
            rows, columns = _cells(region)
            crop = scheduler.scale_model_input(latents[:, :, rows, columns], t)
            negative = region.get("negative_prompt")
            negative = job.get("negative_prompt", "") if negative is None else negative
            without = look(pipeline, crop, t, negative, is_negative=True)
            given = look(pipeline, crop, t, region["prompt"], is_negative=False)
            guided = without + region.get("guidance_scale", 7.5) * (given - without)
            weights = _weights(region, crop.shape[2], crop.shape[3])
            weights = weights * _covered(region, job, masks)
            total[:, :, rows, columns] += weights * guided
            weight_sum[rows, columns] += weights
        mixed = torch.where(weight_sum > 0, total / weight_sum, 0.0).float()
        if beta := beta_at(job, index, len(scheduler.timesteps)):
            seen = scheduler.scale_model_input(latents, t)
            mixed = _with_base(pipeline, scheduler, job, (mixed, seen, t), beta)
        latents = scheduler.step(mixed, t, latents).prev_sample
        for (rows, columns), encoded, until, covered in anchors:
            if not t > until:
                continue
            start, level = noise[:, :, rows, columns], t
            if covered is not None:
                last = index + 1 == len(scheduler.timesteps)
                level = None if last else scheduler.timesteps[index + 1]
            moved = encoded
            if level is not None:
                moved = scheduler.add_noise(encoded, start, level.reshape(1))
            part = latents[:, :, rows, columns]
            share = torch.as_tensor(1.0 if covered is None else covered).float()
            latents[:, :, rows, columns] = part + share * (moved - part)
        if kept is not None:
            old, freedom = kept
            last = index + 1 == len(scheduler.timesteps)
            if not last:
                old = scheduler.add_noise(old, noise, scheduler.timesteps[index + 1].reshape(1))
            stays = freedom <= 1 - (index + 1) / len(scheduler.timesteps)
            latents[:, :, stays] = old[:, :, stays]
    return latents
