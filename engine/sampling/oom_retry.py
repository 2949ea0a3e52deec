"""A job that does not fit into the memory is run again more frugally, then explained in numbers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor

from engine.contract.errors import EngineError, first_line
from engine.contract.job import Job
from engine.families.base import Model
from engine.runtime.devices import give_memory_back, is_oom, memory_of
from engine.sampling.events import GenerateEvent, OutOfMemoryRetry
from engine.sampling.generate import generate
from engine.sampling.masks import MaskImages


def generate_with_oom_retry(
    job: Job,
    model: Model,
    *,
    references: Mapping[str, Tensor],
    masks: MaskImages = MappingProxyType({}),
    is_cancelled: Callable[[], bool] = lambda: False,
    preview_every_s: float = 0.0,
) -> Iterator[GenerateEvent]:
    """Run a job as `generate` does; where the memory is short, once more from its beginning.

    The denoiser goes on by itself in smaller calls, down to one pass of one region; what is left
    to try is to have the autoencoder work on the CPU: slower, the same picture to float rounding.

    Raises: EngineError of kind `memory` where that does not fit either; Cancelled.
    """
    reason = ""
    for is_retry in (False, True):
        try:
            yield from generate(
                job,
                model,
                references=references,
                masks=masks,
                is_cancelled=is_cancelled,
                preview_every_s=preview_every_s,
            )
        except (RuntimeError, MemoryError) as error:
            if not is_oom(error):
                raise
            reason = f"{first_line(error)} ({_numbers(model.device.torch_device)})"
        else:
            return
        # Only here, where the error no longer holds the tensors of the calls that it came through.
        gc.collect()
        give_memory_back(model.device.torch_device)
        if not is_retry:
            job = replace(job, cpu_vae=True)
            yield OutOfMemoryRetry(reason=reason)
    raise EngineError(
        f"out of memory on {model.device.name}, also with one region at a time and the last "
        f"step on the processor: {reason}",
        kind="memory",
        advice=_advice(job, model.device.dtype),
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
