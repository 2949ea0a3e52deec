"""Piece `header`: the header picture of the original, against the bare calls and the limit."""

from __future__ import annotations

from functools import partial

import torch

from benchmarks.performance.busy import put_busy
from benchmarks.performance.calls import operations
from benchmarks.performance.card.setting import Setting
from benchmarks.performance.clocks import HostClock
from benchmarks.performance.rates import memory_rate
from benchmarks.performance.record import Aim, Record
from benchmarks.performance.shapes import parameters_of
from benchmarks.performance.spans import bare_of, spans_of

WHOLE, OVER_BARE, SHARE = "whole job", "steps over the bare calls", "share of the matrix rate"
BARE_SHARE = "the bare calls' share of the matrix rate"
TEXTS, PICTURE = "texts, of the whole job", "decoding, of the whole job"
WEIGHTS = "reading the weights, of a step"

_FAST = 4e14
"""Operations a second, in bfloat16: cards of the H100's class have more, those before it less."""
MOST_OVER_BARE, LEAST_SHARE = 1.05, 0.5
_WHOLE_S = 1.5


def part_of(setting: Setting, dtype: torch.dtype) -> str:
    """Return how the figures of a precision are headed."""
    job, name = setting.header(), str(dtype).removeprefix("torch.")
    size = f"{job.canvas_width} × {job.canvas_height}"
    return f"{setting.shape.name}, {size}, three regions, {setting.steps} steps, {name}"


def measure(record: Record, setting: Setting) -> None:
    """In the card's own precision first, then in the other while there is time."""
    took_s = 0.0
    for dtype in setting.dtypes:
        if not setting.has_time(took_s):
            record.remark(f"no time was left for the header picture in {dtype}")
            return
        took_s, _ = HostClock().time(partial(_measure_in, record, setting, dtype))


def _measure_in(record: Record, setting: Setting, dtype: torch.dtype) -> None:
    job, model, part = setting.header(), setting.model(dtype), part_of(setting, dtype)
    spans = spans_of(job, model, setting.clock, setting.rounds, has_time=setting.has_time)
    rounds = setting.rounds if setting.has_time(setting.rounds * spans.whole_s) else 1
    bare = bare_of(job, model, setting.clock, rounds)
    rate = setting.rate(dtype)
    step_limit_s = operations(model.network, bare.calls) / rate
    most_s = Aim(value=_WHOLE_S, at_least=False) if rate > _FAST else None
    record.put(part, WHOLE, spans.whole_s, "s", most_s)
    aim = Aim(value=MOST_OVER_BARE, at_least=False)
    record.put(part, OVER_BARE, spans.step_s / bare.step_s, "x", aim)
    limit_s = step_limit_s * setting.steps
    record.put(part, SHARE, limit_s / spans.whole_s, "%", Aim(value=LEAST_SHARE))
    record.put(part, "a step", spans.step_s, "s")
    record.put(part, "a step's bare calls", bare.step_s, "s")
    record.put(part, "a step's arithmetic limit", step_limit_s, "s")
    record.put(part, BARE_SHARE, step_limit_s / bare.step_s, "%")
    record.put(part, TEXTS, spans.texts_s / spans.whole_s, "%")
    record.put(part, PICTURE, spans.picture_s / spans.whole_s, "%")
    record.put(part, "highest memory", spans.peak_bytes, "B")
    batches = ", ".join(str(call.batch) for call in bare.calls)
    record.remark(f"the engine's calls a step see {batches} pictures")
    name = str(dtype).removeprefix("torch.")
    record.series[f"card, header, {name}"] = {
        "label": "seconds of the header picture",
        "values": {
            "engine, whole job": spans.whole_s,
            "engine, steps": spans.step_s * setting.steps,
            "bare denoiser calls": bare.step_s * setting.steps,
            "arithmetic limit": limit_s,
        },
    }
    weights = parameters_of(model.network) * next(model.network.parameters()).element_size()
    copied = 2**24 if setting.is_rehearsal else 2**30
    # A copy counts both ways, and reading alone is about as fast as both together.
    read_s = weights * len(bare.calls) / memory_rate(setting.device.torch_device, copied)
    record.put(part, WEIGHTS, read_s / spans.step_s, "%")
    put_busy(record, part, job, model, spans.step_s)
