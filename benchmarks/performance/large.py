"""Part `large`: a model of SDXL's real shape on this machine: seconds a step, and peak memory."""

from __future__ import annotations

import sys
from statistics import median

from benchmarks.performance.clocks import HostClock
from benchmarks.performance.contest import engine_run, row_job
from benchmarks.performance.peaks import can_measure, peak_of
from benchmarks.performance.record import Record
from benchmarks.performance.shapes import SDXL, TINY_XL, parameters_of, pipeline_of
from engine.families.loading import model_of
from engine.runtime.devices import choose_device

if sys.platform != "win32":
    import resource

_SIDE_PX, _OVERLAP_PX, _STEPS = 256, 128, 2


def measure(record: Record, *, quick: bool) -> None:
    """Two regions on a canvas of 256 × 384, two steps, in this machine's precision."""
    device = choose_device()
    if not can_measure(device.torch_device):
        record.remark("left out: a process's peak memory is known on Linux alone")
        return
    shape = TINY_XL if quick else SDXL
    side, overlap = (64, 32) if quick else (_SIDE_PX, _OVERLAP_PX)
    pipeline = pipeline_of(shape, device=device.torch_device, dtype=device.dtype)
    model = model_of(pipeline, device)
    job = row_job(2, side, overlap, steps=_STEPS)
    name = str(device.dtype).removeprefix("torch.")
    size = f"{job.canvas_height} × {job.canvas_width}"
    part = f"{shape.name}, {size}, two regions, {_STEPS} steps, {name}"
    clock, steps_s, others_s = HostClock(), list[float](), list[float]()

    def generate() -> None:
        running = engine_run(job, model)
        for _ in range(_STEPS + 2):
            seconds, label = clock.time(lambda: next(running))
            (steps_s if label == "step" else others_s).append(seconds)

    peak = peak_of(generate, device.torch_device)
    record.put(part, "parameters of the denoiser", parameters_of(pipeline.unet), "")
    record.put(part, "a step", median(steps_s), "s")
    record.put(part, "texts and decoding", sum(others_s), "s")
    record.put(part, "memory beside the model", peak, "B")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    record.put(part, "peak of the whole process", most, "B")
