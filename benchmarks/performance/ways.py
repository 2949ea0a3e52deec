"""Part `ways`: models of real shapes on a GPU, in each way that a plan of memory knows.

SDXL, FLUX.2 klein 4B and Z-Image with random weights; a canvas of 1024 × 1024 with three regions.
Seconds a step against the network's bare calls, the highest memory of the card, and how far the
latents are from those of the first way: exact ways differ by rounding at most.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.performance.calls import recorded, replayed
from benchmarks.performance.clocks import Clock, clock_for
from benchmarks.performance.contest import engine_run
from benchmarks.performance.peaks import held_bytes, peak_of
from benchmarks.performance.record import Aim, Record
from benchmarks.real_pipelines import REAL
from engine.contract.job import Job, Text2ImageRegion
from engine.contract.memory import MemoryPlan, Way
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.devices import Device, give_memory_back

FIRST = "all on the card"
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
    measure_on(
        record,
        {name: lambda build=build: build(torch.bfloat16) for name, build in REAL.items()},  # type: ignore[misc]
        Device(torch_device=torch.device("cuda"), dtype=torch.bfloat16),
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
) -> None:
    """Measure on a device; tests do it on the processor, with small models."""
    clock = clock_for(device.torch_device)
    for name, build in pipelines.items():
        job = three_regions(side_px, steps)
        part = f"{name}, {side_px} × {side_px}, three regions, {steps} steps"
        whole, first = build(), dict[str, Any]()
        for way in WAYS:
            model = model_of(copy.deepcopy(whole), device, plan_of(way))
            found = _measured(job, model, clock, rounds)
            first = first or found
            record.put(part, f"{way}: a step", found["step_s"], "s")
            record.put(part, f"{way}: highest memory", found["peak_bytes"], "B")
            if way == FIRST:
                ratio = found["step_s"] / _bare_step_s(job, model, clock, rounds)
                aim = Aim(value=_MOST_OVER_BARE, at_least=False)
                record.put(part, "time over the bare calls", ratio, "x", aim)
            else:
                record.put(part, f"{way}: time over {FIRST}", found["step_s"] / first["step_s"])
                difference = _distance(found["latents"], first["latents"])
                record.put(part, f"{way}: latents' distance from {FIRST}", difference, "")
            del model
            give_memory_back(device.torch_device)
        del whole


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


def _measured(job: Job, model: Model, clock: Clock, rounds: int) -> dict[str, Any]:
    """Return seconds a step, the highest memory and the latents, after a run that warms up."""
    device, seconds = model.device.torch_device, list[float]()
    results: dict[str, Tensor] = {}

    def run() -> None:
        running = engine_run(job, model, results)
        next(running)  # the texts
        spent, _ = clock.time(lambda: _some(running, job.num_inference_steps))
        seconds.append(spent / job.num_inference_steps)
        _some(running, 1)  # the picture

    def runs() -> None:
        for _ in range(rounds):
            run()

    run()
    seconds.clear()
    peak = held_bytes(device) + peak_of(runs, device)
    return {
        "step_s": median(seconds),
        "peak_bytes": peak,
        "latents": results["latents"].double().cpu(),
    }


def _some(running: Iterator[str], count: int) -> None:
    for _ in range(count):
        next(running)


def _bare_step_s(job: Job, model: Model, clock: Clock, rounds: int) -> float:
    """Return the seconds of the network's calls of a step, made again with nothing around them."""
    network: Any = model._network
    running = engine_run(replace(job, num_inference_steps=2), model)
    next(running)
    with torch.inference_mode():
        calls = recorded(network, lambda: next(running))
    running.close()  # type: ignore[attr-defined]
    steps = job.num_inference_steps
    laps = [clock.time(lambda: list(replayed(network, calls, steps)))[0] for _ in range(rounds + 1)]
    return median(laps[1:]) / steps


def _distance(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())
