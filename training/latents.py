"""Encoded pictures: cached latents and the crops of varied shape that the denoiser trains on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.data import PaintedSet, training_sets
from training.painting.concepts import BY_NAME, CONCEPTS
from training.painting.prompts import Wish, with_filler, wordings
from training.painting.storybook.landscape import Landscape
from training.painting.storybook.wording import wording
from training.settings import SKETCH_PX, DenoiserSettings, Settings
from training.vae import encode_set

NATIVE = 16
SKETCH = SKETCH_PX // 8
LARGE_SHAPES = ((16, 24), (24, 16), (24, 24), (16, 32), (32, 24), (32, 32), (16, 40), (32, 40))
FRAMED_LEAST_SHARE = 0.75
FILLER_SHARE = 0.15
ENCODED_PX = 16 * 160 * 160


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentSets:
    """The latents of all painted sets, scaled to unit deviation.

    Shapes: small (N, 4, 20, 20), large (M, 4, 32, 40), landscapes (L, 4, h, w) a size.
    """

    small: Tensor
    large: Tensor
    small_wishes: list[Wish]
    large_wishes: list[Wish]
    scaling_factor: float
    landscapes: tuple[Tensor, ...] = ()
    landscape_wishes: tuple[list[Landscape], ...] = ()


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
    sets = training_sets(settings.cache / "data", settings.data)
    small = sets.small.first(settings.denoiser.small_count)
    large = sets.large.first(settings.denoiser.large_count)
    folder: Path = settings.cache / "latents"
    folder.mkdir(parents=True, exist_ok=True)
    named: dict[str, PaintedSet[Any]] = {"small": small, "large": large}
    named |= {f"landscapes_{i}": painted for i, painted in enumerate(sets.landscapes)}
    stored_small, stored_large, *stored = (
        _encoded(vae, painted, folder / f"{name}.safetensors") for name, painted in named.items()
    )
    factor = 1.0 / float(stored_small.std())
    return LatentSets(
        small=stored_small * factor,
        large=stored_large * factor,
        small_wishes=small.wishes,
        large_wishes=large.wishes,
        scaling_factor=factor,
        landscapes=tuple(latents * factor for latents in stored),
        landscape_wishes=tuple(painted.wishes for painted in sets.landscapes),
    )


def _encoded(vae: AutoencoderKL, painted: PaintedSet[Any], path: Path) -> Tensor:
    origin = _origin(vae, painted)
    if not path.exists() or _stored_origin(path) != origin:
        vae.eval()
        encoded = encode_set(vae, painted, _at_once(painted))
        save_file({"latents": encoded}, path, metadata={"origin": origin})
    return load_file(path)["latents"]


def _at_once(painted: PaintedSet[Any]) -> int:
    _, height_px, width_px, _ = painted.pictures.shape
    return max(1, ENCODED_PX // (height_px * width_px))


def _origin(vae: AutoencoderKL, painted: PaintedSet[Any]) -> str:
    """Return a digest of what latents come from: the encoder, and pictures of every concept."""
    digest = hashlib.sha256()
    for name, weights in vae.state_dict().items():
        if not name.startswith(("decoder.", "post_quant_conv.")):
            digest.update(weights.cpu().numpy().tobytes())
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
    own: Tensor, foreign: Tensor, side: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Put another picture along one edge, as a region meets its neighbour on a shared canvas.

    `side` counts top, bottom, left, right.
    """
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
    sets: LatentSets,
    size: int,
    settings: DenoiserSettings,
    rng: np.random.Generator,
    progress: float = 1.0,
) -> Batch:
    """Draw a batch of one kind and one shape, of the area of `size` pictures of 16 × 16.

    `progress` is the share of the run that is over.
    """
    if rng.random() < settings.landscape_share:
        sketches = rng.random() < settings.sketch_shares[progress >= settings.sketching]
        return _landscapes(sets, size, settings, rng, sketches=sketches)
    return _materials(sets, size, settings, rng)


def _landscapes(
    sets: LatentSets,
    size: int,
    settings: DenoiserSettings,
    rng: np.random.Generator,
    *,
    sketches: bool,
) -> Batch:
    """Draw whole landscapes of one size, at times beside another one on the left or the right."""
    small = np.array([latents.shape[2] == SKETCH for latents in sets.landscapes])
    wanted = small == sketches if (small == sketches).any() else ~small | small
    areas = wanted * np.array([float(latents[:, 0].numel()) for latents in sets.landscapes])
    number = int(rng.choice(len(areas), p=areas / areas.sum()))
    source, wishes = sets.landscapes[number], sets.landscape_wishes[number]
    height, width = source.shape[2:]
    latents, prompts, masks = list[Tensor](), list[str](), list[Tensor]()
    for index in rng.integers(0, len(wishes), max(1, round(size * NATIVE**2 / (height * width)))):
        whole, mask = source[index], torch.ones(height, width)
        if rng.random() < settings.foreign_share:
            other = source[int(rng.integers(len(wishes)))]
            whole, mask = _with_foreign_edge(whole, other, int(rng.integers(2, 4)), rng)
        latents.append(whole)
        masks.append(mask)
        prompts.append(wording(wishes[index], rng))
    return Batch(latents=torch.stack(latents), prompts=prompts, mask=torch.stack(masks)[:, None])


def _materials(
    sets: LatentSets, size: int, settings: DenoiserSettings, rng: np.random.Generator
) -> Batch:
    """Draw crops of materials: mostly 16 × 16, at times a larger or longer shape.

    Composed ones (a forest, a starry night) come in the small shape alone: asked for in a larger
    one, they are landscapes.
    """
    large = rng.random() < settings.large_share
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
        if min(height, width) > NATIVE and BY_NAME[wishes[index].concept].framed:
            continue
        crop = _crop(source[index], wishes[index], height, width, rng)
        mask = torch.ones(height, width)
        if rng.random() < settings.foreign_share:
            beside = int(rng.integers(len(wishes)))
            other = _crop(source[beside], wishes[beside], height, width, rng)
            crop, mask = _with_foreign_edge(crop, other, int(rng.integers(4)), rng)
        latents.append(crop)
        masks.append(mask)
        text = wordings(wishes[index], rng)
        prompts.append(with_filler(text, rng) if rng.random() < FILLER_SHARE else text)
    return Batch(latents=torch.stack(latents), prompts=prompts, mask=torch.stack(masks)[:, None])
