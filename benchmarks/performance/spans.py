"""What the spans of a job take on a device: its texts, its steps, its picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from torch import Tensor

from benchmarks.performance.calls import Call, replayed
from benchmarks.performance.clocks import Clock
from benchmarks.performance.contest import calls_of_a_step, engine_run
from benchmarks.performance.peaks import held_bytes, peak_of
from engine.contract.job import Job
from engine.families.base import Model

HasTime = Callable[[float], bool]
"""Whether there is more time left than so many seconds."""
_AS_LONG_FOR_OTHERS = 4  # as a run takes


def endless(_: float) -> bool:
    """Return that there is time for everything."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Medians of several runs in seconds, the highest memory, and the last run's latents."""

    texts_s: float
    step_s: float
    picture_s: float
    steps: int
    peak_bytes: int
    latents: Tensor
    """(1, C, h, w), float64, on the CPU."""

    @property
    def whole_s(self) -> float:
        """Seconds of the whole job."""
        return self.texts_s + self.step_s * self.steps + self.picture_s

    def distance(self, expected: Tensor) -> float:
        """Return ‖latents − expected‖ / ‖expected‖."""
        return float((self.latents - expected).norm() / expected.norm())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """The network's calls of a step, and the seconds that they take with nothing around them."""

    step_s: float
    calls: list[Call]


def spans_of(
    job: Job,
    model: Model,
    clock: Clock,
    rounds: int,
    *,
    warm_steps: int = 2,
    has_time: HasTime = endless,
) -> Spans:
    """Measure a job, after a shorter run that warms up: once, and again while there is time."""
    device, steps = model.device.torch_device, job.num_inference_steps
    spent: list[tuple[float, float, float]] = []
    took_s: list[float] = []
    results: dict[str, Tensor] = {}

    def run() -> None:
        began = time.monotonic()
        running = engine_run(job, model, results)
        laps = [clock.time(lambda count=count: _some(running, count))[0] for count in (1, steps, 1)]  # type: ignore[misc]
        spent.append((laps[0], laps[1] / steps, laps[2]))
        took_s.append(time.monotonic() - began)

    def runs() -> None:
        run()
        while len(spent) < rounds and has_time(_AS_LONG_FOR_OTHERS * took_s[-1]):
            run()

    for _ in engine_run(replace(job, num_inference_steps=warm_steps), model):
        pass
    peak = held_bytes(device) + peak_of(runs, device)
    texts_s, step_s, picture_s = (median(laps) for laps in zip(*spent, strict=True))
    return Spans(
        texts_s=texts_s,
        step_s=step_s,
        picture_s=picture_s,
        steps=steps,
        peak_bytes=peak,
        latents=results["latents"].double().cpu(),
    )


def bare_of(job: Job, model: Model, clock: Clock, rounds: int) -> Bare:
    """Measure the network's calls of a step, made again and again with nothing around them."""
    network: Any = model.network
    calls, steps = calls_of_a_step(job, model, network), job.num_inference_steps
    laps = [clock.time(lambda: list(replayed(network, calls, steps)))[0] for _ in range(rounds + 1)]
    return Bare(step_s=median(laps[1:]) / steps, calls=calls)


def _some(running: Iterator[str], count: int) -> None:
    for _ in range(count):
        next(running)
