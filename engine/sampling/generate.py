"""From a job to a picture, step by step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from engine.contract.errors import Cancelled
from engine.contract.job import Image2ImageRegion, Job
from engine.families.base import Model
from engine.runtime.controls import Control
from engine.runtime.following import Followed
from engine.runtime.references import Reference
from engine.runtime.windows import window_of
from engine.sampling.base_pass import plans_of
from engine.sampling.controls import region_controls
from engine.sampling.doubts import doubts_about
from engine.sampling.events import (
    Generated,
    GenerateEvent,
    ImageRows,
    PhaseBegan,
    Preview,
    StepDone,
    Warned,
)
from engine.sampling.following import region_references
from engine.sampling.inputs import NO_INPUTS, JobInputs
from engine.sampling.kept import KeptAnchor, change_of, kept_latents, touched
from engine.sampling.loras import hold_loras
from engine.sampling.masks import mask_coverage
from engine.sampling.noise import Noise, starting_noise
from engine.sampling.poles import calmed
from engine.sampling.ranks import ALONE, Ranks
from engine.sampling.region_windows import coverage_warnings, region_windows
from engine.sampling.sampler import Anchor, ImageAnchor, sample
from engine.sampling.second_pass import enlarged_latents, schedule_of, that_count
from engine.sampling.strength_maps import release_map


@torch.inference_mode()
def generate(
    job: Job,
    model: Model,
    inputs: JobInputs = NO_INPUTS,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    preview_every_s: float = 0.0,
    ranks: Ranks = ALONE,
) -> Iterator[GenerateEvent]:
    """Run a job whose seeds and guidances are resolved, and yield what happens.

    `inputs` holds what the job names. Of several `ranks` each calls this; the first one alone
    yields pictures.

    Raises: JobError where nothing would change of a kept picture, or nothing stay, or a LoRA does
    not fit the model; Cancelled soon after `is_cancelled` turns true.
    """

    def checkpoint() -> None:
        if is_cancelled():
            raise Cancelled

    device = model.device.torch_device
    vae_device = torch.device("cpu") if job.cpu_vae else device
    stride = model.stride_px
    noise_device = device if job.noise_device == "device" else torch.device("cpu")
    noise = Noise(device=device, drawn_on=noise_device)
    generator = noise.generator(job.seed)

    yield PhaseBegan(phase="encoding")
    checkpoint()
    hold_loras(job, model, inputs.loras)
    checkpoint()
    schedule = schedule_of(job, model)
    start = starting_noise(
        job,
        channels=model.channels,
        stride_px=stride,
        noise=noise,
        generator=generator,
        colours=inputs.colours,
    )

    def anchor(region: Image2ImageRegion) -> ImageAnchor:
        reference = Reference(
            picture=inputs.pictures[region.reference_image],
            height_px=region.height_px,
            width_px=region.width_px,
            around=job.around(region),
        )
        checkpoint()
        latents = model.codec.encode(reference, generator, on=vae_device, checkpoint=checkpoint)
        mask = None
        if region.mask is not None:
            covered = mask_coverage(inputs.masks[region.mask], region, job, stride)
            mask = torch.from_numpy(covered).to(start)
        releases = None
        if region.strength_map is not None:
            own = release_map(inputs.masks[region.strength_map], region, schedule, stride)
            releases = own.to(start)
        return ImageAnchor(
            window=window_of(region, job, stride),
            latents=ranks.same(latents.to(device)),
            release=schedule.release_timestep(region.strength),
            mask=mask,
            releases=releases,
        )

    def decoded(latents: Tensor, step: int | None) -> Iterator[ImageRows]:
        top, latents = 0, ranks.same(latents)
        strips = model.codec.decode(
            latents, on=vae_device, checkpoint=checkpoint, sharing=ranks, wrapped=job.wrapped
        )
        for rows in calmed(strips, job.canvas_height, job.calm_poles_deg):
            checkpoint()
            if change is not None:
                rows = change.joined(rows, top)
            top += len(rows)
            yield ImageRows(step=step, rows=rows, size_px=(job.canvas_width, job.canvas_height))

    picture = None
    if inputs.first is not None:
        picture = enlarged_latents(
            inputs.first, job, model, generator, on=vae_device, checkpoint=checkpoint
        )
        picture = ranks.same(picture.to(device))
    anchors: list[Anchor] = [anchor(region) for region in job.image_regions]
    windows = region_windows(job, stride, inputs.masks, patch=model.family.grid_px // stride)
    for problem in coverage_warnings(job, windows, stride, inputs.masks):
        yield Warned(problem=problem)
    for problem in doubts_about(job, model):
        yield Warned(problem=problem)
    if inputs.first is not None:
        windows = that_count(windows, (start.shape[-2], start.shape[-1]))
    change = None
    if inputs.kept is not None:
        change = change_of(job, windows, inputs.kept, stride, inputs.masks)
        windows = touched(windows, change)
        kept = kept_latents(
            inputs.kept, job, model, generator, on=vae_device, checkpoint=checkpoint
        )
        kept = ranks.same(kept.to(device))
        anchors.append(KeptAnchor(latents=kept, freedom=change.freedom.to(start)))

    def held(job: Job) -> list[list[Control]]:
        return region_controls(job, model, inputs.controls, on=vae_device, checkpoint=checkpoint)

    def looked(job: Job) -> list[list[Followed]]:
        return region_references(
            job, model, inputs.references, on=vae_device, checkpoint=checkpoint
        )

    plan, base = plans_of(job, model, windows, start, ranks, held, looked)

    yield PhaseBegan(phase="sampling")
    steps = len(schedule.timesteps)
    began, shown_at = time.monotonic(), -math.inf
    latents = start
    run = sample(
        start,
        windows,
        anchors,
        plan=plan,
        schedule=schedule,
        generator=generator,
        picture=picture,
        base=base,
        checkpoint=checkpoint,
        join_=ranks.sum_,
    )
    for step, latents in enumerate(run, start=1):
        elapsed = time.monotonic() - began
        remaining = elapsed / step * (steps - step)
        yield StepDone(step=step, steps=steps, elapsed_s=elapsed, remaining_s=remaining)
        if job.decode_steps:
            yield from decoded(latents, step)
        if 0 < preview_every_s <= (now := time.monotonic()) - shown_at:
            shown_at = now
            preview = model.codec.preview(latents)
            yield Preview(step=step, picture=change.previewed(preview) if change else preview)
        checkpoint()

    yield Generated(latents=latents)
    yield PhaseBegan(phase="decoding")
    checkpoint()
    yield from decoded(latents, None)
