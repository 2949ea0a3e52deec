"""Whether the card is kept busy: how much of the time its kernels run, how often it is waited for.

Source: https://docs.pytorch.org/docs/stable/generated/torch.cuda.set_sync_debug_mode.html
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.performance.contest import engine_run
from benchmarks.performance.record import Aim, Record
from engine.contract.job import Job
from engine.families.base import Model

BUSY, WAITS = "kernels run, of a step", "the host waits for the card, a step"
_WATCHED = 3  # steps
_A_WAIT = "synchronizing CUDA operation"


def put_busy(record: Record, part: str, job: Job, model: Model, step_s: float) -> None:
    """Note how often a step waits, and the share of its seconds in which kernels run."""
    running = engine_run(replace(job, num_inference_steps=2 * _WATCHED + 1), model)
    next(running), next(running)  # the texts, and a step that prepares

    def steps() -> None:
        for _ in range(_WATCHED):
            next(running)

    record.put(part, WAITS, waits(steps) / _WATCHED, "", Aim(value=0, at_least=False))
    if kernels_s := kernel_s(steps, model.device.torch_device):
        record.put(part, BUSY, kernels_s / _WATCHED / step_s, "%")
    else:
        record.remark(f"{part}: torch's profiler saw no kernels")


def waits(work: Callable[[], object]) -> int:
    """Return how often some work makes the host wait for the card."""
    if not torch.cuda.is_available():
        work()
        return 0
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            work()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum(_A_WAIT in str(one.message) for one in caught)


def kernel_s(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that a device's kernels take in some work, the operators' of a CPU."""
    on_card = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if on_card else ProfilerActivity.CPU]) as seen:
        work()
        if on_card:
            torch.cuda.synchronize()
    averages = seen.key_averages()
    found = sum(
        one.self_device_time_total if on_card else one.self_cpu_time_total for one in averages
    )
    return float(found) / 1e6
