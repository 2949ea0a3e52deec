"""Part `gpu`: a Stable Diffusion 1.5 on a GPU of CUDA, beside the loop of the original."""

from __future__ import annotations

import torch

from benchmarks.performance.clocks import clock_for
from benchmarks.performance.contest import (
    BARE,
    ENGINE,
    Outcome,
    compete,
    engine_run,
    row_job,
    tiled_job,
)
from benchmarks.performance.growth import Point, frugal, plain, put_exponents
from benchmarks.performance.peaks import peak_of
from benchmarks.performance.rates import matrix_rate
from benchmarks.performance.record import Aim, Record
from benchmarks.performance.shapes import Shape, copy_of, pipeline_of
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.devices import Device

PLAIN32, PLAIN16 = "plain loop, float32", "plain loop, float16"
_SIDE_PX, _OVERLAP_PX = 640, 256  # three of them make 1408 × 640
_TILES = (1, 2, 4, 8)


def measure(record: Record, shape: Shape, *, quick: bool) -> None:
    """The header picture of the original, in every precision; then memory up to 64 tiles."""
    if not torch.cuda.is_available():
        record.remark("left out: torch sees no GPU of CUDA here")
        return
    measure_on(
        record,
        shape,
        torch.device("cuda"),
        side_px=_SIDE_PX,
        overlap_px=_OVERLAP_PX,
        steps=5 if quick else 50,
        rounds=1 if quick else 3,
        sides=_TILES[:2] if quick else _TILES,
    )


def measure_on(
    record: Record,
    shape: Shape,
    device: torch.device,
    *,
    side_px: int,
    overlap_px: int,
    steps: int,
    rounds: int,
    sides: tuple[int, ...],
    dtypes: tuple[torch.dtype, ...] = (torch.bfloat16, torch.float16),
) -> None:
    """Measure on a device; tests do it on the processor, with small numbers."""
    job = row_job(3, side_px, overlap_px, steps=steps)
    size = f"{job.canvas_width} × {job.canvas_height}"
    base = pipeline_of(shape, device=device, dtype=torch.float32)
    loops = {PLAIN32: base, PLAIN16: copy_of(base, dtype=torch.float16)}
    for dtype in dtypes:
        name = str(dtype).removeprefix("torch.")
        part = f"GPU, {shape.name}, {size}, three regions, {steps} steps, {name}"
        own = copy_of(base, dtype=dtype)
        model = model_of(own, Device(torch_device=device, dtype=dtype))
        outcome = compete(job, model, own.unet, loops, by_step=False, rounds=rounds, decodes=True)
        _put(record, part, outcome, matrix_rate(device, dtype), steps)
        record.series[f"gpu, {name}"] = {"whole_s": outcome.whole_s, "calls": outcome.calls}
        del model, own
    del loops
    here = Device(torch_device=device, dtype=dtypes[0])
    growing = copy_of(base, dtype=dtypes[0])
    del base
    model = model_of(growing, here)
    series = {"canvas": _grown(model, sides, side_px, overlap_px)}
    series["canvas, frugal"] = _grown(frugal(model), sides, side_px, overlap_px)
    part = f"Growth on the GPU, {shape.name}, tiles of {side_px} × {side_px}"
    put_exponents(record, part, series)
    for name, points in series.items():
        for side, point in zip(sides, points, strict=True):
            record.put(part, f"{name}: memory at {side * side} tiles", point.peak_bytes, "B")
    record.series["gpu growth"] = {name: plain(points) for name, points in series.items()}


def _put(record: Record, part: str, outcome: Outcome, rate: float, steps: int) -> None:
    engine_s = outcome.whole_s[ENGINE]
    limit_s = outcome.operations * steps / rate
    record.put(part, "engine, whole job", engine_s, "s")
    for loop in (PLAIN32, PLAIN16):
        record.put(part, f"{loop}, whole job (a)", outcome.whole_s[loop], "s")
    record.put(part, f"{BARE}, all steps (b)", outcome.whole_s[BARE], "s")
    record.put(part, "arithmetic limit, all steps (c)", limit_s, "s")
    record.put(
        part, "faster than (a) in float32", outcome.whole_s[PLAIN32] / engine_s, "x", Aim(value=8)
    )
    record.put(
        part, "faster than (a) in float16", outcome.whole_s[PLAIN16] / engine_s, "x", Aim(value=2)
    )
    record.put(
        part, "time over (b), the picture's decoding in it", engine_s / outcome.whole_s[BARE]
    )
    record.put(part, "share of (c)", limit_s / engine_s, "%", Aim(value=0.5))
    record.put(part, "matrix products", rate, "FLOP/s")
    record.put(part, "latents' distance from float32", outcome.distance, "")
    batches = ", ".join(map(str, outcome.calls))
    record.remark(f"the engine's calls a step see {batches} pictures")


def _grown(model: Model, sides: tuple[int, ...], side_px: int, overlap_px: int) -> list[Point]:
    device = model.device.torch_device
    clock = clock_for(device)

    def grown(side: int) -> Point:
        job = tiled_job(side, side, side_px, overlap_px, steps=2)
        spent: list[float] = []

        def run() -> None:
            spent.append(clock.time(lambda: list(engine_run(job, model)))[0])

        peak = peak_of(run, device)
        size = job.canvas_height * job.canvas_width
        return Point(size=size, seconds=spent[0], peak_bytes=peak)

    grown(sides[0])  # what the libraries prepare once is nobody's growth
    return [grown(side) for side in sides]
