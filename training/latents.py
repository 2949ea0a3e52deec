"""Encoded pictures: cached latents and the crops of varied shape that the denoiser trains on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.data import PaintedSet, training_sets
from training.painting.concepts import BY_NAME, CONCEPTS
from training.painting.prompts import Wish, with_filler, wordings
from training.settings import Settings
from training.vae import encode_set

NATIVE = 16
LARGE_SHAPES = ((16, 24), (24, 16), (24, 24), (16, 32), (32, 24), (32, 32), (16, 40), (32, 40))
FRAMED_LEAST_SHARE = 0.75
FILLER_SHARE = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentSets:
    """The latents of both painted sets, scaled to unit deviation.

    Shapes: small (N, 4, 20, 20), large (M, 4, 32, 40).
    """

    small: Tensor
    large: Tensor
    small_wishes: list[Wish]
    large_wishes: list[Wish]
    scaling_factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Latents, their prompts, and where the loss counts.

    Shapes: latents (B, 4, h, w), mask (B, 1, h, w).
    """

    latents: Tensor
    prompts: list[str]
    mask: Tensor


def encoded_sets(settings: Settings, vae: AutoencoderKL) -> LatentSets:
    """Encode the painted pictures, or read what an earlier run has encoded of them alike."""
    small, large = training_sets(settings.cache / "data", settings.data)
    small = small.first(settings.denoiser.small_count)
    large = large.first(settings.denoiser.large_count)
    path: Path = settings.cache / "latents.safetensors"
    origin = _origin(vae, small, large)
    if not path.exists() or _stored_origin(path) != origin:
        vae.eval()
        encoded = {"small": encode_set(vae, small), "large": encode_set(vae, large, 4)}
        save_file(encoded, path, metadata={"origin": origin})
    stored = load_file(path)
    factor = 1.0 / float(stored["small"].std())
    return LatentSets(
        small=stored["small"] * factor,
        large=stored["large"] * factor,
        small_wishes=small.wishes,
        large_wishes=large.wishes,
        scaling_factor=factor,
    )


def _origin(vae: AutoencoderKL, *sets: PaintedSet) -> str:
    """Return a digest of what latents come from: the encoder, and pictures of every concept."""
    digest = hashlib.sha256()
    for name, weights in vae.state_dict().items():
        if not name.startswith(("decoder.", "post_quant_conv.")):
            digest.update(weights.cpu().numpy().tobytes())
    for painted in sets:
        digest.update(str(painted.pictures.shape).encode())
        digest.update(painted.pictures[: len(CONCEPTS)].tobytes())
    return digest.hexdigest()


def _stored_origin(path: Path) -> str | None:
    with safe_open(path, "pt") as file:
        return (file.metadata() or {}).get("origin")


def _crop(latents: Tensor, wish: Wish, height: int, width: int, rng: np.random.Generator) -> Tensor:
    top = left = 0
    if not BY_NAME[wish.concept].anchored:
        top = int(rng.integers(0, latents.shape[1] - height + 1))
        left = int(rng.integers(0, latents.shape[2] - width + 1))
    return latents[:, top : top + height, left : left + width]


def _fits(wish: Wish, height: int, full_height: int) -> bool:
    """Tell whether a crop of this height keeps enough of a composed picture."""
    return not BY_NAME[wish.concept].framed or height >= FRAMED_LEAST_SHARE * full_height


def _with_foreign_edge(
    own: Tensor, foreign: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Put another picture along one edge, as a region meets its neighbour on a shared canvas."""
    side = int(rng.integers(4))
    axis = 1 if side < 2 else 2
    length = own.shape[axis]
    border, softness = float(rng.uniform(1.0, 4.5)), float(rng.uniform(0.3, 3.0))
    position = torch.arange(length, dtype=torch.float32)
    if side % 2:
        position = length - 1 - position
    weight = ((position - border) / softness + 0.5).clamp(0.0, 1.0)
    weight = weight[:, None] if axis == 1 else weight[None, :]
    mask = (weight > 0.5).float().expand(own.shape[1:])
    return foreign + (own - foreign) * weight, mask


def training_batch(
    sets: LatentSets, size: int, large_share: float, foreign_share: float, rng: np.random.Generator
) -> Batch:
    """Draw a batch of one shape: mostly 16 × 16, at times a larger or longer one."""
    large = rng.random() < large_share
    height, width = (
        LARGE_SHAPES[int(rng.integers(len(LARGE_SHAPES)))] if large else (NATIVE, NATIVE)
    )
    source = sets.large if large else sets.small
    wishes = sets.large_wishes if large else sets.small_wishes
    count = max(2, size * NATIVE * NATIVE // (height * width))
    latents, prompts, masks = list[Tensor](), list[str](), list[Tensor]()
    while len(latents) < count:
        index = int(rng.integers(len(wishes)))
        if not _fits(wishes[index], height, source.shape[2]):
            continue
        crop = _crop(source[index], wishes[index], height, width, rng)
        mask = torch.ones(height, width)
        if rng.random() < foreign_share:
            beside = int(rng.integers(len(wishes)))
            other = _crop(source[beside], wishes[beside], height, width, rng)
            crop, mask = _with_foreign_edge(crop, other, rng)
        latents.append(crop)
        masks.append(mask)
        text = wordings(wishes[index], rng)
        prompts.append(with_filler(text, rng) if rng.random() < FILLER_SHARE else text)
    return Batch(latents=torch.stack(latents), prompts=prompts, mask=torch.stack(masks)[:, None])
