"""Mixture of Diffusers with velocities, written a second time as plainly as can be.

One region after another with Euler's steps, nothing shared with the engine but diffusers' networks
and autoencoders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from tests.engine.plain_base import base_sides, beta_at, mixed_with_base
from tests.engine.plain_mixture import Document, axis


class Looks(Protocol):
    """A family as the plain mixture asks it: its levels, its codec, its guided velocity."""

    stride_px: int
    channels: int

    def levels(self, pipeline: Any, steps: int, tokens: int) -> list[float]:
        """Return the levels of noise of all steps, and 0 at the end."""

    def encoded(self, pipeline: Any, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Return a picture's latents, as the canvas holds them."""

    def guided(
        self, pipeline: Any, crop: Tensor, level: float, texts: tuple[str, str], scale: float
    ) -> Tensor:
        """Return the velocity in a crop for a prompt and a negative prompt."""


def _with_base(
    looks: Looks,
    pipeline: Any,
    job: Document,
    step: tuple[Tensor, Tensor, float],
    cells: tuple[int, int],
    beta: float,
) -> Tensor:
    mixed, canvas, level = step

    def predicted(small: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        small_level = sigma / (1 + sigma)
        small = (small_level * small).float()
        both = (job["base_prompt"], job.get("negative_prompt", ""))
        scale = job["base_guidance_scale"]
        velocity = looks.guided(pipeline, small, small_level, both, scale).double()
        return small - small_level * velocity, small + (1 - small_level) * velocity

    strengths = (max(1 - level, 1e-300), level)
    return mixed_with_base(
        mixed, canvas, cells, beta, predicted, lambda picture, noise: noise - picture, strengths
    )


@torch.no_grad()
def plain_flow_mixture(
    looks: Looks, pipeline: Any, job: Document, pictures: Mapping[str, Tensor] | None = None
) -> Tensor:
    """Return the latents, (1, C, h, w), of a job whose seeds and guidances are all given."""
    stride, steps = looks.stride_px, job["num_inference_steps"]

    def cells(region: Document) -> tuple[slice, slice]:
        rows = slice(region["row_init"] // stride, region["row_end"] // stride)
        return rows, slice(region["col_init"] // stride, region["col_end"] // stride)

    size = (job["canvas_height"] // stride, job["canvas_width"] // stride)
    generator = torch.Generator().manual_seed(job["seed"])
    noise = torch.randn((1, looks.channels, *size), generator=generator)
    for region in job.get("reroll_regions", []):
        rows, columns = cells(region)
        part = noise[:, :, rows, columns]
        part[:] = torch.randn(
            part.shape, generator=torch.Generator().manual_seed(region["region_seed"])
        )

    texts = [region for region in job["regions"] if region["type"] == "text2image"]
    tokens = max(
        (region["row_end"] - region["row_init"]) * (region["col_end"] - region["col_init"]) // 256
        for region in texts
    )
    base = base_sides(job, 16)
    if job.get("base_strength"):
        tokens = max(tokens, base[0] * base[1] // 256)
    levels = looks.levels(pipeline, steps, tokens)

    held = []
    for region in (r for r in job["regions"] if r["type"] == "image2image"):
        picture = (pictures or {})[region["reference_image"]]
        latents = looks.encoded(pipeline, picture, generator)
        kept = min(max(steps - int(steps * (1 - region["strength"])), 0), steps - 1)
        held.append((cells(region), latents, kept))

    canvas = noise.clone()
    for index, level in enumerate(levels[:-1]):
        total = torch.zeros(noise.shape, dtype=torch.float64)
        weight_sum = torch.zeros(size, dtype=torch.float64)
        for region in texts:
            rows, columns = cells(region)
            crop = canvas[:, :, rows, columns]
            both = (region["prompt"], region.get("negative_prompt", ""))
            velocity = looks.guided(pipeline, crop, level, both, region["guidance_scale"])
            kind = region.get("mask_type", "gaussian")
            down, across = (
                torch.tensor(axis(kind, side), dtype=torch.float64) for side in crop.shape[2:]
            )
            weights = down[:, None] * across[None, :] * region.get("mask_weight", 1.0)
            total[:, :, rows, columns] += weights * velocity
            weight_sum[rows, columns] += weights
        mixed = torch.where(weight_sum > 0, total / weight_sum, 0.0).float()
        if beta := beta_at(job, index, steps):
            small = (base[0] // stride, base[1] // stride)
            mixed = _with_base(looks, pipeline, job, (mixed, canvas, level), small, beta)
        following = levels[index + 1]
        canvas = canvas + (following - level) * mixed
        for (rows, columns), latents, kept in held:
            if index < kept:
                start = noise[:, :, rows, columns]
                canvas[:, :, rows, columns] = (1 - following) * latents + following * start
    return canvas
