"""What of a model a job needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.decode import Autoencoder
from engine.denoisers.base import Denoiser
from engine.devices import Device
from engine.schedules import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """A model's denoiser, its autoencoder, and the schedules that suit it."""

    denoiser: Denoiser
    autoencoder: Autoencoder
    make_schedule: Callable[[str | None, int], Schedule]
    device: Device
