"""A job that does not fit into the memory is run again more frugally, then explained in numbers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from engine.contract.errors import EngineError, first_line
from engine.contract.job import Job
from engine.runtime.devices import Device, give_memory_back, is_oom, memory_of
from engine.sampling.events import GenerateEvent, OutOfMemoryRetry


def with_oom_retry(
    generate: Callable[[Job], Iterator[GenerateEvent]],
    job: Job,
    device: Device,
    *,
    may_retry: bool = True,
) -> Iterator[GenerateEvent]:
    """Generate a job; where the memory is short, once more from its beginning.

    The denoiser goes on by itself in smaller calls, down to one pass of one region; what is left
    to try is to have the autoencoder work on the CPU: slower, the same picture to float rounding.

    Raises: EngineError of kind `memory` where that does not fit either; Cancelled.
    """
    reason = ""
    for is_retry in (False, True) if may_retry else (True,):
        try:
            yield from generate(job)
        except (RuntimeError, MemoryError) as error:
            if not is_oom(error):
                raise
            reason = f"{first_line(error)} ({_numbers(device.torch_device)})"
        else:
            return
        # Only here, where the error no longer holds the tensors of the calls that it came through.
        gc.collect()
        give_memory_back(device.torch_device)
        if not is_retry:
            job = replace(job, cpu_vae=True)
            yield OutOfMemoryRetry(reason=reason)
    raise EngineError(
        f"out of memory on {device.name}, also with one region at a time and the last "
        f"step on the processor: {reason}",
        kind="memory",
        advice=_advice(job, device.dtype),
    )


def _advice(job: Job, dtype: torch.dtype) -> str:
    largest = max(job.text_regions, key=lambda r: r.height_px * r.width_px, default=None)
    size = f"{job.canvas_width} × {job.canvas_height}"
    parts = [f"use a smaller canvas (now {size} pixels)"]
    if largest is not None:
        parts.insert(0, f"use smaller regions (now {largest.width_px} × {largest.height_px})")
    if dtype == torch.float32 and torch.cuda.is_available():
        parts.append("use the precision bfloat16 or float16 instead of float32")
    parts.append("close what else uses this memory, a render in Blender too")
    return ", ".join(parts)


def _numbers(device: torch.device) -> str:
    memory = memory_of(device)
    free, total = (memory[key] / 2**30 for key in ("free_bytes", "total_bytes"))
    return f"{free:.1f} GiB free of {total:.1f} GiB"
