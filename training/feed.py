"""Batches of the denoiser, drawn where they are used, or ahead in other processes for a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import CLIPTokenizer

from training.latents import LatentSets, training_batch
from training.settings import DenoiserSettings, cores
from training.text import token_ids

AHEAD = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A batch with its prompts as tokens.

    Shapes: latents (B, 4, h, w), ids (B, tokens), mask (B, 1, h, w).
    """

    latents: Tensor
    ids: Tensor
    mask: Tensor


Draw = Callable[[np.random.Generator, float], Drawn]
"""What draws a batch, with the share of the run that is over."""


def drawing(
    sets: LatentSets, tokenizer: CLIPTokenizer, size: int, settings: DenoiserSettings
) -> Draw:
    """Give what draws a batch of the area of `size` small pictures, a few of them without words."""

    def draw(rng: np.random.Generator, progress: float) -> Drawn:
        batch = training_batch(sets, size, settings, rng, progress)
        prompts = ["" if rng.random() < settings.dropout else text for text in batch.prompts]
        return Drawn(latents=batch.latents, ids=token_ids(tokenizer, prompts), mask=batch.mask)

    return draw


class _Endless(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    def __init__(self, draw: Draw, seed: Sequence[int], progress: Tensor) -> None:
        self._draw, self._seed, self._progress = draw, list(seed), progress

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng([*self._seed, worker.id if worker else 0])
        while True:
            drawn = self._draw(rng, float(self._progress))
            yield drawn.latents, drawn.ids, drawn.mask


def drawn_ahead(draw: Draw, seed: Sequence[int]) -> Draw:
    """Give what takes batches that other processes have drawn, so that a GPU never waits."""
    shared = torch.zeros(()).share_memory_()
    batches = iter(
        DataLoader(
            _Endless(draw, seed, shared),
            batch_size=None,
            num_workers=min(AHEAD, len(cores())),
            prefetch_factor=8,
            pin_memory=torch.cuda.is_available(),
        )
    )

    def take(rng: np.random.Generator, progress: float) -> Drawn:
        shared.fill_(progress)
        latents, ids, mask = next(batches)
        return Drawn(latents=latents, ids=ids, mask=mask)

    return take
