"""What of a model a job needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.families.base import Denoiser
from engine.families.schedules import Schedule
from engine.runtime.codec import Codec
from engine.runtime.devices import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """A model's denoiser, its codec, and the schedules that suit it."""

    denoiser: Denoiser
    autoencoder: Codec
    make_schedule: Callable[[str | None, int], Schedule]
    device: Device
