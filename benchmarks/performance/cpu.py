"""Part `cpu`: a Stable Diffusion 1.5 on the processor, beside the loop of the original."""

from __future__ import annotations

import torch

from benchmarks.performance.contest import BARE, ENGINE, compete, row_job
from benchmarks.performance.rates import convolution_rate, matrix_rate
from benchmarks.performance.record import Aim, Record
from benchmarks.performance.shapes import Shape, copy_of, parameters_of, pipeline_of
from engine.families.loading import model_of
from engine.runtime.devices import choose_device

PLAIN = "plain loop, float32"


def measure(record: Record, shape: Shape, *, quick: bool) -> None:
    """Three regions side by side, a few steps."""
    part = f"CPU, {shape.name}, three 320 × 320 regions"
    device = choose_device("cpu")
    pipeline = pipeline_of(shape, device=device.torch_device, dtype=device.dtype)
    plain = {PLAIN: copy_of(pipeline, dtype=torch.float32)}
    model = model_of(pipeline, device)
    unet = pipeline.unet
    steps = 2 if quick else 4
    before = matrix_rate(device.torch_device, device.dtype)
    outcome = compete(row_job(3, 320, 96, steps=steps), model, unet, plain, by_step=True)
    # What else runs on a machine makes a limit too low: the better of two is nearer to it.
    rate = max(before, matrix_rate(device.torch_device, device.dtype))
    limit_s = outcome.operations / rate

    seconds = {**outcome.step_s, "arithmetic limit": limit_s}
    record.series["cpu"] = {
        "step_s": seconds,
        "laps_s": outcome.laps_s,
        "rate": rate,
        "calls": outcome.calls,
        "operations": outcome.operations,
        "dtype": str(device.dtype).removeprefix("torch."),
        "parameters": parameters_of(unet),
    }
    record.put(part, "engine, a step", outcome.step_s[ENGINE], "s")
    record.put(part, f"{PLAIN}, a step (a)", outcome.step_s[PLAIN], "s")
    record.put(part, f"{BARE}, a step (b)", outcome.step_s[BARE], "s")
    record.put(part, "arithmetic limit, a step (c)", limit_s, "s")
    record.put(
        part, "faster than (a)", outcome.step_s[PLAIN] / outcome.step_s[ENGINE], "x", Aim(value=4)
    )
    record.put(
        part,
        "time over (b)",
        outcome.step_s[ENGINE] / outcome.step_s[BARE],
        "x",
        Aim(value=1.05, at_least=False),
    )
    record.put(part, "share of (c)", limit_s / outcome.step_s[ENGINE], "%")
    most = outcome.step_s[PLAIN] / limit_s
    record.put(part, "(a) over (c), the most that can be won in this precision", most)
    record.put(part, "operations a step", outcome.operations, "FLOP")
    record.put(part, "latents' distance from (a)", outcome.distance, "")
    batches = ", ".join(map(str, outcome.calls))
    record.remark(f"the engine works in {device.dtype}; its calls a step see {batches} pictures")


def measure_rates(record: Record, *, quick: bool) -> None:
    """What this processor makes of each precision."""
    part = "Rates of this processor"
    device = torch.device("cpu")
    dtypes = (torch.float32, torch.bfloat16) + (() if quick else (torch.float16,))
    rates: dict[str, float] = {}
    for dtype in dtypes:
        name = str(dtype).removeprefix("torch.")
        rates[f"matrix product, {name}"] = matrix_rate(device, dtype)
        for layout in (torch.contiguous_format, torch.channels_last):
            where = "channels last" if layout is torch.channels_last else "channels first"
            rates[f"convolution, {where}, {name}"] = convolution_rate(device, dtype, layout)
    for name, rate in rates.items():
        record.put(part, name, rate, "FLOP/s")
    record.put(
        part,
        "bfloat16 beside float32, matrix product",
        rates["matrix product, bfloat16"] / rates["matrix product, float32"],
    )
    record.series["rates"] = rates
