"""What the pieces measure on: a card with models of real shapes, or a rehearsal of all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from benchmarks.performance.clocks import Clock, clock_for
from benchmarks.performance.contest import row_job
from benchmarks.performance.rates import matrix_rate
from benchmarks.performance.shapes import SD15, TINY, Shape, pipeline_of
from benchmarks.real_pipelines import REAL
from benchmarks.tiny_pipelines import TINY_PIPELINES
from engine.contract.job import Job
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.devices import Device, choose_device

Compilers = Mapping[str, Mapping[str, Any]]
"""What `torch.compile` is given, by the name it is shown under."""

_MODES = ("reduce-overhead", "max-autotune-no-cudagraphs")
_ON_A_CARD: Compilers = {mode: {"mode": mode, "dynamic": False} for mode in _MODES}
_REHEARSED: Compilers = {"eager": {"backend": "eager"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A device, a shape and sizes; and until when a piece may measure, by `time.monotonic`."""

    device: Device
    shape: Shape
    families: Mapping[str, Callable[[], Any]]
    """Pipelines of the other families by their names, in the computer's memory."""
    side_px: int
    overlap_px: int
    steps: int
    rounds: int
    compilers: Compilers
    until_s: float
    is_rehearsal: bool = False

    @property
    def clock(self) -> Clock:
        """The device's clock."""
        return clock_for(self.device.torch_device)

    @property
    def dtypes(self) -> tuple[torch.dtype, ...]:
        """The precision that suits the device, then the others that are compared with it."""
        others = () if self.is_rehearsal else (torch.bfloat16, torch.float16)
        own = self.device.dtype
        return (own, *(dtype for dtype in others if dtype != own))

    def has_time(self, needed_s: float = 0.0) -> bool:
        """Return whether there is more time left than something needs."""
        return self.until_s - time.monotonic() > needed_s

    def header(self) -> Job:
        """Return the header picture of the original: three square regions side by side."""
        return row_job(3, self.side_px, self.overlap_px, steps=self.steps)

    def model(self, dtype: torch.dtype | None = None) -> Model:
        """Return a model of the shape, in the device's precision or in another one."""
        device = self.device if dtype is None else replace(self.device, dtype=dtype)
        pipeline = pipeline_of(self.shape, device=device.torch_device, dtype=device.dtype)
        return model_of(pipeline, device)

    def rate(self, dtype: torch.dtype) -> float:
        """Return the rate of matrix products, in operations a second."""
        return matrix_rate(self.device.torch_device, dtype, 0.001 if self.is_rehearsal else None)


def on_the_card(seconds: float) -> Setting:
    """Return the setting of a graphics card, which a piece has for so many seconds from now."""
    device = choose_device("cuda")
    return Setting(
        device=device,
        shape=SD15,
        families={
            name: partial(build, device.dtype, device.torch_device) for name, build in REAL.items()
        },
        side_px=640,
        overlap_px=256,
        steps=50,
        rounds=3,
        compilers=_ON_A_CARD,
        until_s=time.monotonic() + seconds,
    )


def rehearsed(seconds: float) -> Setting:
    """Return a setting of the processor with the smallest of everything."""
    device = choose_device("cpu", "float32")
    return Setting(
        device=device,
        shape=TINY,
        families={name: partial(build, device.dtype) for name, build in TINY_PIPELINES.items()},
        side_px=64,
        overlap_px=32,
        steps=2,
        rounds=1,
        compilers=_REHEARSED,
        until_s=time.monotonic() + seconds,
        is_rehearsal=True,
    )
