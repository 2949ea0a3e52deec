"""Part `ways`: models of real shapes on a GPU, in each way that a plan of memory knows.

SDXL, FLUX.2 klein 4B and Z-Image with random weights; a canvas of 1024 × 1024 with three regions.
Seconds a step against the network's bare calls, the highest memory of the card, and how far the
latents are from those of the first way: exact ways differ by rounding at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from benchmarks.performance.busy import put_busy
from benchmarks.performance.clocks import clock_for
from benchmarks.performance.record import Aim, Record, in_words
from benchmarks.performance.spans import HasTime, Spans, bare_of, endless, spans_of
from benchmarks.real_pipelines import REAL
from engine.contract.job import Job, Text2ImageRegion
from engine.contract.memory import MemoryPlan, Way
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.devices import Device, give_memory_back

FIRST = "all on the card"
OVER_BARE = "time over the bare calls"
WAYS: Mapping[str, tuple[Way, Way, bool]] = {
    FIRST: ("stays", "stays", False),
    "text encoder put away": ("stays", "comes", False),
    "text encoder and network in turns": ("comes", "comes", False),
    "text encoder layer by layer": ("stays", "visits", False),
    "network layer by layer": ("visits", "visits", False),
    "8 bits": ("stays", "comes", True),
    "8 bits, network layer by layer": ("visits", "visits", True),
}
_MOST_OVER_BARE = 1.05


def measure(record: Record, *, quick: bool) -> None:
    """All models in all ways, in bfloat16."""
    if not torch.cuda.is_available():
        record.remark("left out: torch sees no GPU of CUDA here")
        return
    card = torch.device("cuda")
    measure_on(
        record,
        {name: partial(build, torch.bfloat16, card) for name, build in REAL.items()},
        Device(torch_device=card, dtype=torch.bfloat16),
        side_px=512 if quick else 1024,
        steps=2 if quick else 8,
        rounds=1 if quick else 3,
    )


def measure_on(
    record: Record,
    pipelines: Mapping[str, Callable[[], Any]],
    device: Device,
    *,
    side_px: int,
    steps: int,
    rounds: int,
    has_time: HasTime = endless,
) -> None:
    """Measure on a device as long as there is time; tests do it on the processor, small models.

    A way that does not fit, or that the device has no kernels for, is noted as left out.
    """
    for name, build in pipelines.items():
        job = three_regions(side_px, steps)
        part = f"{name}, {side_px} × {side_px}, three regions, {steps} steps"
        first, took_s = None, 0.0
        for way in WAYS:
            if not has_time(took_s):
                record.remark(f"{name}: no time was left for {way}, nor for what follows")
                break
            began = time.monotonic()
            try:
                found = _measured(
                    record, part, way, job, model_of(build(), device, plan_of(way)), rounds
                )
            except (RuntimeError, MemoryError) as error:
                record.remark(f"{name}, {way}: left out: {in_words(error)}")
            else:
                if first is not None:
                    before, expected = first
                    record.put(part, f"{way}: time over {before}", found.step_s / expected.step_s)
                    difference = found.distance(expected.latents)
                    record.put(part, f"{way}: latents' distance from {before}", difference, "")
                first = first or (way, found)
            # Only here, where the error no longer holds the tensors of the call.
            give_memory_back(device.torch_device)
            took_s = time.monotonic() - began


def _measured(record: Record, part: str, way: str, job: Job, model: Model, rounds: int) -> Spans:
    """Note a way's seconds and memory, of the first also what it takes over the bare calls."""
    clock = clock_for(model.device.torch_device)
    found = spans_of(job, model, clock, rounds)
    record.put(part, f"{way}: a step", found.step_s, "s")
    record.put(part, f"{way}: highest memory", found.peak_bytes, "B")
    if way == FIRST:
        ratio = found.step_s / bare_of(job, model, clock, rounds).step_s
        aim = Aim(value=_MOST_OVER_BARE, at_least=False)
        record.put(part, OVER_BARE, ratio, "x", aim)
        put_busy(record, part, job, model, found.step_s)
    return found


def three_regions(side_px: int, steps: int) -> Job:
    """Return a job of three upright regions over a square canvas, each half as wide."""
    prompts = ("a lighthouse", "the sea", "a pine wood")
    lefts = (i * side_px // 4 for i in range(len(prompts)))
    regions = tuple(
        Text2ImageRegion(
            row_init=0,
            row_end=side_px,
            col_init=left,
            col_end=left + side_px // 2,
            prompt=prompt,
            guidance_scale=1.0,
        )
        for left, prompt in zip(lefts, prompts, strict=True)
    )
    return Job(
        canvas_height=side_px,
        canvas_width=side_px,
        regions=regions,
        num_inference_steps=steps,
        scheduler="euler",
        seed=1,
    )


def plan_of(way: str) -> MemoryPlan:
    """Return the plan of a way by its name."""
    network, encoders, is_small = WAYS[way]
    none = {"needed_bytes": 0, "host_bytes": 0, "free_bytes": 0}
    return MemoryPlan(network=network, encoders=encoders, is_small=is_small, **none, costs=(way,))
