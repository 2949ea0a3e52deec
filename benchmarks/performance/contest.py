"""The engine beside the loop of the original and beside the denoiser's bare calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.performance.calls import Call, operations, recorded, replayed
from benchmarks.performance.clocks import Run, clock_for, in_turn, one_after_another
from benchmarks.performance.plain import plain_run
from engine.contract.job import Job, Text2ImageRegion
from engine.families.base import Model
from engine.families.schedules import build_scheduler
from engine.sampling.events import Generated, PhaseBegan, StepDone
from engine.sampling.generate import generate
from engine.sampling.ranks import ALONE, Ranks

ENGINE, BARE = "engine", "bare denoiser calls"
_PROMPTS = (
    "a charming house in the countryside, by jakub rozalski, sunset lighting, elegant",
    "a dirt road in the countryside crossing pastures, by jakub rozalski, elegant",
    "an old and rusty giant robot lying on a dirt road, by jakub rozalski, elegant",
)


def row_job(count: int, side_px: int, overlap_px: int, *, steps: int, guidance: float = 8.0) -> Job:
    """Return a job of square regions side by side."""
    pitch = side_px - overlap_px
    regions = tuple(
        _region(0, i * pitch, side_px, _PROMPTS[i % len(_PROMPTS)], guidance) for i in range(count)
    )
    return _job(regions, side_px, pitch * (count - 1) + side_px, steps)


def tiled_job(
    rows: int, columns: int, side_px: int, overlap_px: int, *, steps: int, count: int | None = None
) -> Job:
    """Return a job whose canvas has that many rows and columns of tiles, the first ones painted."""
    pitch = side_px - overlap_px
    places = [(row * pitch, column * pitch) for row in range(rows) for column in range(columns)]
    regions = tuple(_region(*place, side_px, _PROMPTS[0], 8.0) for place in places[:count])
    return _job(regions, pitch * (rows - 1) + side_px, pitch * (columns - 1) + side_px, steps)


def _region(top: int, left: int, side_px: int, prompt: str, guidance: float) -> Text2ImageRegion:
    return Text2ImageRegion(
        row_init=top,
        row_end=top + side_px,
        col_init=left,
        col_end=left + side_px,
        prompt=prompt,
        guidance_scale=guidance,
        region_seed=0,
    )


def _job(regions: tuple[Text2ImageRegion, ...], height: int, width: int, steps: int) -> Job:
    return Job(
        canvas_height=height,
        canvas_width=width,
        regions=regions,
        num_inference_steps=steps,
        scheduler="lms",
        seed=7178915308,
    )


def engine_run(
    job: Job, model: Model, results: dict[str, Tensor] | None = None, ranks: Ranks = ALONE
) -> Iterator[str]:
    """Yield after the texts, after every step, and after the picture, as the engine does them."""
    for event in generate(job, model, ranks=ranks):
        match event:
            case PhaseBegan(phase="sampling"):
                yield "encoding"
            case StepDone():
                yield "step"
            case Generated():
                if results is not None:
                    results["latents"] = event.latents
    yield "decoding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a contest found: seconds a step, and operations a step."""

    step_s: Mapping[str, float]
    whole_s: Mapping[str, float]
    laps_s: Mapping[str, list[float]]
    """Every measured step, or whole job."""
    calls: tuple[int, ...]
    """The batch of each of the denoiser's calls in a step of the engine."""
    operations: int
    distance: float
    """‖engine − plain‖ / ‖plain‖ of the final latents, plain in float32."""


def compete(
    job: Job,
    model: Model,
    unet: Any,
    plain: Mapping[str, Any],
    *,
    by_step: bool,
    rounds: int = 1,
    decodes: bool = False,
) -> Outcome:
    """Let the engine, the plain loops and the bare calls of its shapes run beside each other.

    `unet` is the module that the engine calls; `plain` are pipelines by name, the first of which
    is what the engine's picture is compared with. `by_step` takes turns after each step, else
    after each whole run, which then decodes where all `decodes`.
    """
    device = model.device.torch_device
    clock = clock_for(device)
    calls = calls_of_a_step(job, model, unet)
    results: dict[str, dict[str, Tensor]] = {name: {} for name in (ENGINE, *plain)}

    def plain_contestant(name: str) -> Run:
        pipeline = plain[name]

        def run() -> Iterator[str]:
            config = {**pipeline.scheduler.config, "_class_name": "PNDMScheduler"}
            scheduler = build_scheduler(job.scheduler, config)
            return plain_run(pipeline, scheduler, job, results[name], decodes=decodes)

        return run

    contestants: dict[str, Run] = {
        ENGINE: lambda: engine_run(job, model, results[ENGINE]),
        BARE: lambda: replayed(unet, calls, job.num_inference_steps),
        **{name: plain_contestant(name) for name in plain},
    }
    steps = job.num_inference_steps
    timed = "step" if by_step else "run"
    if by_step:
        laps = in_turn(contestants, clock, rounds=rounds)
        step_s = {name: median(laps[name]["step"]) for name in contestants}
        whole_s = {
            name: sum(sum(part) for part in laps[name].values()) / rounds for name in contestants
        }
    else:
        laps = one_after_another(contestants, clock, rounds=rounds)
        whole_s = {name: median(laps[name]["run"]) for name in contestants}
        step_s = {name: seconds / steps for name, seconds in whole_s.items()}
    expected = results[next(iter(plain))]["latents"].double()
    found = results[ENGINE]["latents"].double().to(expected.device)
    return Outcome(
        step_s=step_s,
        whole_s=whole_s,
        laps_s={name: [round(s, 4) for s in laps[name][timed]] for name in contestants},
        calls=tuple(call.batch for call in calls),
        operations=operations(unet, calls),
        distance=float((found - expected).norm() / expected.norm()),
    )


def calls_of_a_step(job: Job, model: Model, unet: Any) -> list[Call]:
    """Return the denoiser's calls in the engine's first step; this warms up, too."""
    run = engine_run(replace(job, num_inference_steps=2), model)
    next(run)  # on a GPU the engine may try before it begins how much fits
    with torch.inference_mode():
        return recorded(unet, lambda: next(run))
