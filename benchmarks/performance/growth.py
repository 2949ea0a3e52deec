"""Part `growth`: time and memory against the number of regions and against the canvas."""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from diffusers import StableDiffusionPipeline

from benchmarks.performance.clocks import HostClock, clock_for
from benchmarks.performance.contest import engine_run, tiled_job
from benchmarks.performance.peaks import can_measure, peak_of
from benchmarks.performance.record import Aim, Record
from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.job import to_document
from engine.families.base import Model
from engine.families.loading import model_of
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.batching import Denoiser
from engine.runtime.capacity import Capacity
from engine.runtime.devices import choose_device

_SIDE_PX, _OVERLAP_PX = 128, 32
_COUNTS = (1, 2, 4, 8, 16, 32, 64)
_CANVASES = (1, 2, 4, 8, 11, 14)
_SETTLED_FROM = {"regions": 32, "canvas": 2**20}
"""From here on calls are as large as the engine makes them, and pictures are decoded in tiles."""
_STEPS = 2
_LINEAR = Aim(value=1.1, at_least=False)
_FLAT = Aim(value=0.15, at_least=False)


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
    """The bundled model: 1 to 64 regions on one canvas, then canvases of 1 to 196 tiles."""
    device = choose_device("cpu")
    if not can_measure(device.torch_device):
        record.remark("left out: a process's peak memory is known on Linux alone")
        return
    pipeline = StableDiffusionPipeline.from_pretrained(BUNDLED_FOLDER, safety_checker=None)
    usual = model_of(pipeline, device)
    few = 4 if quick else None
    keeper = ModelKeeper(device=device)
    with tempfile.TemporaryDirectory() as folder:
        _sampled(usual, 1)  # what the libraries prepare once is nobody's growth
        _whole(keeper, 1, Path(folder))
        series = {
            "regions": [_sampled(usual, count) for count in _COUNTS[:few]],
            "regions, frugal": [_sampled(frugal(usual), count) for count in _COUNTS[:few]],
            "canvas": [_whole(keeper, side, Path(folder)) for side in _CANVASES[:few]],
        }
    part = "Growth, bundled model, tiles of 128 × 128, CPU"
    put_exponents(record, part, series)
    for name, start in _SETTLED_FROM.items():
        settled = [point for point in series[name] if point.size >= start]
        if len(settled) > 1:
            slope = exponent(settled, "peak_bytes")
            record.put(part, f"{name}, from {start:,} on: memory's exponent", slope, "", _FLAT)
    record.series["settled_from"] = _SETTLED_FROM
    record.series["growth"] = {name: plain(points) for name, points in series.items()}


def frugal(model: Model) -> Model:
    """Return a model whose denoiser looks at one pass of one region at a time."""
    one_at_a_time = copy.copy(model)
    capacity = Capacity(model.device.torch_device, most_passes=1)
    one_at_a_time.denoiser = Denoiser(one_at_a_time, capacity=capacity)
    return one_at_a_time


def put_exponents(record: Record, part: str, series: dict[str, list[Point]]) -> None:
    """Note the fitted exponents, and what the smallest and the largest job held."""
    for name, points in series.items():
        record.put(part, f"{name}: time's exponent", exponent(points, "seconds"), "", _LINEAR)
        record.put(part, f"{name}: memory's exponent", exponent(points, "peak_bytes"), "", _FLAT)
        for point in (points[0], points[-1]):
            record.put(part, f"{name}: memory at {point.size:,}", point.peak_bytes, "B")


def plain(points: Sequence[Point]) -> list[dict[str, float]]:
    """Return points as plain values."""
    return [{**asdict(point), "seconds": round(point.seconds, 5)} for point in points]


def _sampled(model: Model, count: int) -> Point:
    """Measure a step, and the memory until the picture would be decoded."""
    device = model.device.torch_device
    clock = clock_for(device)
    side = math.isqrt(max(_COUNTS))
    job = tiled_job(side, side, _SIDE_PX, _OVERLAP_PX, steps=_STEPS, count=count)
    step_s: list[float] = []

    def sample() -> None:
        running = engine_run(job, model)
        for _ in range(_STEPS + 1):
            seconds, label = clock.time(lambda: next(running))
            if label == "step":
                step_s.append(seconds)

    peak = peak_of(sample, device)
    return Point(size=count, seconds=median(step_s), peak_bytes=peak)


def _whole(keeper: ModelKeeper, side: int, folder: Path) -> Point:
    """Measure a whole job of one step, from its document to its file."""
    job = tiled_job(side, side, _SIDE_PX, _OVERLAP_PX, steps=1)
    request = RunRequest(document=to_document(job), folder=folder, output=folder / "out.png")
    spent: list[float] = []

    def work() -> None:
        spent.append(HostClock().time(lambda: list(run(request, keeper)))[0])

    peak = peak_of(work, keeper.device.torch_device)
    return Point(size=job.canvas_height * job.canvas_width, seconds=spent[0], peak_bytes=peak)
