"""Part `reuse`: what reusing attention between steps gains, and how far the picture moves."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.performance.clocks import clock_for, in_turn
from benchmarks.performance.contest import engine_run, row_job
from benchmarks.performance.fidelity import compared, decoded, psnr_db
from benchmarks.performance.phases import demo_document
from benchmarks.performance.record import Record
from benchmarks.performance.shapes import Shape, pipeline_of
from benchmarks.sheets import sheet
from engine.contract.job import Job
from engine.contract.validate import check
from engine.families.components import Components
from engine.families.loading import components_of, load_components, resolve
from engine.runtime.devices import choose_device

_AMPLIFIED = 2


def measure(record: Record, shape: Shape, folder: Path, *, quick: bool) -> None:
    """The demo's job on the bundled model, and a real model's shape, each both ways in turn."""
    job = check(demo_document(quick=quick), folder=None).job_or_raise()
    device = choose_device("cpu")
    components = load_components(resolve(job.model, Path()), device)
    part = "The demo's job, attention reused"
    computed, reused = _both_ways(record, part, job, components)
    exact, near = decoded(components, computed), decoded(components, reused)
    distance = float((reused - computed).norm() / computed.norm())
    record.put(part, "latents' relative distance", distance, "%")
    record.put(part, "picture's distance (PSNR)", psnr_db(near, exact), "dB")
    rows = [compared("computed", exact, "reused", near, _AMPLIFIED)]
    sheet(rows, folder / "reuse.jpg")

    pipeline = pipeline_of(shape, device=device.torch_device, dtype=device.dtype)
    row = replace(row_job(3, 320, 96, steps=2 if quick else 10), scheduler="ddim")
    # Its weights are random: what they would change says nothing.
    _both_ways(
        record,
        f"CPU, {shape.name}, three 320 × 320 regions, ten steps, attention reused",
        row,
        components_of(pipeline, device),
    )


def _both_ways(
    record: Record, part: str, job: Job, components: Components
) -> tuple[Tensor, Tensor]:
    """Run a job both ways, a step of each in turn, and return the latents of each."""
    results: dict[str, dict[str, Tensor]] = {"computed": {}, "reused": {}}
    jobs = {"computed": job, "reused": replace(job, reuse_attention=True)}
    laps = in_turn(
        {name: partial(engine_run, jobs[name], components, results[name]) for name in jobs},
        clock_for(torch.device("cpu")),
    )
    computed_s, reused_s = (sum(laps[name]["step"]) for name in jobs)
    record.put(part, "all steps, computed", computed_s, "s")
    record.put(part, "all steps, reused", reused_s, "s")
    record.put(part, "faster", computed_s / reused_s)
    computed, reused = (results[name]["latents"].float() for name in jobs)
    return computed, reused
