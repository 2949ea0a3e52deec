"""What of a model a job needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.families.base import Denoiser
from engine.families.schedules import Schedule
from engine.runtime.autoencoder import Autoencoder
from engine.runtime.devices import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """A model's denoiser, its autoencoder, and the schedules that suit it."""

    denoiser: Denoiser
    autoencoder: Autoencoder
    make_schedule: Callable[[str | None, int], Schedule]
    device: Device
