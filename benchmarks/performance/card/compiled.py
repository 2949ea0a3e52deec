"""Piece `compiled`: the header picture with a compiled network, against the plain one.

Source: https://docs.pytorch.org/docs/stable/generated/torch.compile.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from benchmarks.performance.card.header import part_of
from benchmarks.performance.card.setting import Setting
from benchmarks.performance.clocks import HostClock
from benchmarks.performance.contest import engine_run
from benchmarks.performance.record import Record, in_words
from benchmarks.performance.spans import spans_of

GAIN = "faster than plain"
_TIMES_MORE = 3  # that a compilation which searches may take of one that does not


def measure(record: Record, setting: Setting) -> None:
    """Plain first, by which the engine learns what fits; then each way to compile."""
    job, model, clock = setting.header(), setting.model(), setting.clock
    part = f"Compiled, {part_of(setting, setting.device.dtype)}"
    plain = spans_of(job, model, clock, 1)
    record.put(part, "plain: a step", plain.step_s, "s")
    network: Any = model.network
    first = replace(job, num_inference_steps=2)
    took_s, seconds = 0.0, {"plain": plain.step_s}
    for name, how in setting.compilers.items():
        if not setting.has_time(_TIMES_MORE * took_s):
            record.remark(f"no time was left to compile with {name}")
            break
        torch.compiler.reset()
        network.compile(**how)
        try:
            took_s, _ = HostClock().time(lambda: list(engine_run(first, model)))
            record.put(part, f"{name}: compiling, and two steps", took_s, "s")
            found = spans_of(job, model, clock, 1)
        except (RuntimeError, MemoryError) as error:
            record.remark(f"compiled with {name}: left out: {in_words(error)}")
            continue
        record.put(part, f"{name}: a step", found.step_s, "s")
        record.put(part, f"{name}: {GAIN}", plain.step_s / found.step_s)
        record.put(part, f"{name}: highest memory", found.peak_bytes, "B")
        distance = found.distance(plain.latents)
        record.put(part, f"{name}: latents' distance from plain", distance, "")
        seconds[name] = found.step_s
        record.series["card, compiled"] = {"label": "seconds a step", "values": seconds}
