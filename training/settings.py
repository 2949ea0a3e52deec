"""Every number that decides what training makes, in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

CACHE = Path(os.environ.get("MIXDIFF_TRAINING_CACHE", "~/.cache/mixdiff-training")).expanduser()


def cores() -> set[int]:
    """Give the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


SKETCH_PX = 160
"""Height of the landscapes that are painted small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """The painted pictures: materials, many of `small_px` square and fewer of the larger canvas;
    landscapes, as (height, width, count), in pixels. Those of `SKETCH_PX` are sketches.
    """

    small_count: int = 16000
    small_px: int = 160
    large_count: int = 1600
    large_height_px: int = 256
    large_width_px: int = 320
    landscapes: tuple[tuple[int, int, int], ...] = (
        (256, 256, 8000),
        (256, 384, 500),
        (320, 320, 500),
        (384, 256, 400),
        (384, 384, 200),
        (512, 224, 250),
        (160, 160, 20000),
        (160, 256, 2000),
    )
    seed: int = 20260101


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeSettings:
    """The autoencoder: 8-fold reduction, 4 channels."""

    channels: tuple[int, ...] = (32, 32, 64, 128)
    groups: int = 8
    batch: int = 16
    crop_px: int = 64
    late_batch: int = 6
    late_crop_px: int = 128
    late_share: float = 0.3
    landscape_share: float = 0.5
    learning_rate: float = 1e-3
    decoder_learning_rate: float = 6e-4
    kl_weight: float = 1e-4
    gradient_weight: float = 0.5
    colour_weight: float = 1.0
    linear_colour_weight: float = 2.0
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserSettings:
    """The U-Net and its text encoder, trained together on v-prediction.

    `batch` counts pictures of 128 px; of larger ones a batch holds as many as have the same area.
    `gpu_batch` takes its place on a GPU.
    `landscape_share` of the batches are landscapes. Of these `sketch_shares` are sketches, before
    and after `sketching` of the run: what a word looks like is learned on three times as many.

    `middle_share` of the times of training lie in the part `middle` of the schedule, the others
    anywhere.
    """

    channels: tuple[int, ...] = (64, 128, 192)
    layers: tuple[int, int, int] = (1, 1, 2)
    groups: int = 16
    heads: int = 4
    text_width: int = 192
    text_layers: int = 3
    text_heads: int = 3
    tokens: int = 77
    merges: int = 2200
    beta_start: float = 0.00085
    beta_end: float = 0.02
    landscape_share: float = 0.75
    sketching: float = 0.55
    sketch_shares: tuple[float, float] = (0.85, 0.1)
    large_share: float = 0.12
    foreign_share: float = 0.12
    small_count: int = 8000
    large_count: int = 800
    batch: int = 84
    gpu_batch: int = 320
    learning_rate: float = 4e-4
    dropout: float = 0.1
    middle_share: float = 0.6
    middle: tuple[float, float] = (0.2, 0.85)
    ema: float = 0.9985
    seed: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When a stage ends: after minutes of wall time, or after steps, whichever comes first."""

    minutes: float
    steps: int


BUDGETS: Mapping[str, Budget] = {
    "vae": Budget(minutes=120.0, steps=4500),
    "denoiser": Budget(minutes=720.0, steps=30000),
    "decoder": Budget(minutes=20.0, steps=500),
    "classifier": Budget(minutes=20.0, steps=1000),
    "judge": Budget(minutes=40.0, steps=1500),
}
"""As many steps as went into the weights that ship, all their runs together."""
SHARES: Mapping[str, float] = {
    "vae": 0.17,
    "denoiser": 0.62,
    "decoder": 0.05,
    "classifier": 0.03,
    "judge": 0.04,
}
"""What each stage gets of a time that is set for all; painting, encoding, writing have the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one training run and the folder of its intermediate state."""

    data: DataSettings = DataSettings()
    vae: VaeSettings = VaeSettings()
    denoiser: DenoiserSettings = DenoiserSettings()
    budgets: Mapping[str, Budget] = field(default_factory=lambda: BUDGETS)
    cache: Path = CACHE

    def workers(self) -> int:
        """Count the copies that compute gradients: one a core, or one on a GPU."""
        return 1 if torch.cuda.is_available() else min(2, len(cores()))

    def recorded(self) -> dict[str, object]:
        """Give the settings as plain values for the record."""
        return {
            "data": asdict(self.data),
            "vae": asdict(self.vae),
            "denoiser": asdict(self.denoiser),
        }
