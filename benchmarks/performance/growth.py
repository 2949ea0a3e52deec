"""Part `growth`: time and memory against the number of regions and against the canvas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from diffusers import StableDiffusionPipeline

from benchmarks.performance.clocks import clock_for
from benchmarks.performance.contest import engine_run, tiled_job
from benchmarks.performance.peaks import can_measure, peak_of
from benchmarks.performance.record import Aim, Record
from engine.components import Components
from engine.contract.job import Job
from engine.denoisers.load import BUNDLED_FOLDER, components_of
from engine.devices import choose_device

_SIDE_PX, _OVERLAP_PX = 128, 32
_COUNTS = (1, 2, 4, 8, 16, 32, 64)
_CANVASES = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One job: how large, how long, and how much memory it held beside the model."""

    size: int
    seconds: float
    peak_bytes: int


def exponent(points: Sequence[Point], of: str) -> float:
    """Return the slope of a straight line through the logarithms: 1 is linear, 0 is flat."""
    sizes = np.log([point.size for point in points])
    values = np.log([max(getattr(point, of), 1e-9) for point in points])
    return float(np.polyfit(sizes, values, 1)[0])


def measure(record: Record, *, quick: bool) -> None:
    """The bundled model: 1 to 64 regions on one canvas, then canvases of 1 to 256 tiles."""
    device = choose_device("cpu")
    if not can_measure(device.torch_device):
        record.remark("left out: a process's peak memory is known on Linux alone")
        return

    def components() -> Components:
        pipeline = StableDiffusionPipeline.from_pretrained(BUNDLED_FOLDER, safety_checker=None)
        return components_of(pipeline, device)

    frugal = components()
    frugal.save_memory()
    counts = _COUNTS[::2] if quick else _COUNTS
    canvases = _CANVASES[:3] if quick else _CANVASES
    rounds = 1 if quick else 2
    steps = 2 if quick else 3
    usual = components()
    series = {
        "regions": [
            _sampled(usual, _regions_job(count, steps=steps), count, rounds) for count in counts
        ],
        "regions, frugal": [
            _sampled(frugal, _regions_job(count, steps=2), count, 1) for count in counts
        ],
        "canvas": [_whole(usual, _canvas_job(side)) for side in canvases],
    }
    part = "Growth, bundled model, tiles of 128 × 128, CPU"
    put_exponents(record, part, series)
    record.series["growth"] = {name: _plain(points) for name, points in series.items()}


def put_exponents(record: Record, part: str, series: dict[str, list[Point]]) -> None:
    """Note the fitted exponents, and how much more the largest job held than the smallest."""
    for name, points in series.items():
        smallest, largest = points[0], points[-1]
        record.put(
            part,
            f"{name}: time's exponent",
            exponent(points, "seconds"),
            "",
            Aim(value=1.1, at_least=False),
        )
        record.put(
            part,
            f"{name}: memory's exponent",
            exponent(points, "peak_bytes"),
            "",
            Aim(value=0.15, at_least=False),
        )
        record.put(part, f"{name}: memory at {smallest.size:,}", smallest.peak_bytes, "B")
        record.put(part, f"{name}: memory at {largest.size:,}", largest.peak_bytes, "B")


def _plain(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [
        {"size": p.size, "seconds": round(p.seconds, 5), "peak_bytes": p.peak_bytes} for p in points
    ]


def _regions_job(count: int, *, steps: int) -> Job:
    side = math.isqrt(max(_COUNTS))
    return tiled_job(side, side, _SIDE_PX, _OVERLAP_PX, steps=steps, count=count)


def _canvas_job(side: int) -> Job:
    return tiled_job(side, side, _SIDE_PX, _OVERLAP_PX, steps=1)


def _sampled(components: Components, job: Job, size: int, rounds: int) -> Point:
    """Measure a step, and the memory until the picture would be decoded."""
    device = components.device.torch_device
    clock = clock_for(device)
    step_s: list[float] = []

    def run() -> None:
        running = engine_run(job, components)
        for _ in range(job.num_inference_steps + 1):
            seconds, label = clock.time(lambda: next(running))
            if label == "step":
                step_s.append(seconds)

    peaks = [peak_of(run, device) for _ in range(rounds)]
    return Point(size=size, seconds=median(step_s), peak_bytes=max(peaks))


def _whole(components: Components, job: Job) -> Point:
    """Measure a whole job, its picture too."""
    device = components.device.torch_device
    spent: list[float] = []

    def run() -> None:
        spent.append(clock_for(device).time(lambda: list(engine_run(job, components)))[0])

    peak = peak_of(run, device)
    size = job.canvas_height * job.canvas_width
    return Point(size=size, seconds=spent[0], peak_bytes=peak)
