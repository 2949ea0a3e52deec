"""From a job to a picture, told step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.contract.errors import Cancelled
from engine.contract.job import Image2ImageRegion, Job
from engine.families.components import Components
from engine.runtime.references import Reference
from engine.runtime.windows import Window
from engine.sampling.events import (
    Generated,
    GenerateEvent,
    PhaseBegan,
    PictureRows,
    Preview,
    StepDone,
)
from engine.sampling.masks import region_weights
from engine.sampling.noise import Noise, starting_noise
from engine.sampling.sampler import ImageAnchor, TextDiffuser, sample


@dataclass(slots=True)
class _PreviewClock:
    every_s: float
    shown_at: float = field(default_factory=time.monotonic)

    def is_due(self) -> bool:
        now = time.monotonic()
        if self.every_s <= 0 or now - self.shown_at < self.every_s:
            return False
        self.shown_at = now
        return True


@torch.inference_mode()
def generate(
    job: Job,
    components: Components,
    *,
    references: Mapping[str, Tensor],
    is_cancelled: Callable[[], bool] = lambda: False,
    preview_every_s: float = 0.0,
) -> Iterator[GenerateEvent]:
    """Run a job whose seeds and guidances are drawn, and yield what happens.

    `references` holds the picture of each image region by its `reference_image`: (1, 3, H, W),
    bytes or preprocessed to [-1, 1].

    Raises: Cancelled soon after `is_cancelled` turns true.
    """

    def checkpoint() -> None:
        if is_cancelled():
            raise Cancelled

    device = components.device.torch_device
    denoiser, autoencoder = components.denoiser, components.autoencoder
    vae_device = torch.device("cpu") if job.cpu_vae else device
    stride = denoiser.stride_px
    drawn_on = device if job.noise_device == "device" else torch.device("cpu")
    noise = Noise(device=device, drawn_on=drawn_on)
    generator = noise.generator(job.seed)

    yield PhaseBegan(phase="encoding")
    checkpoint()
    schedule = components.make_schedule(job.scheduler, job.num_inference_steps)
    start = starting_noise(
        job, channels=denoiser.channels, stride_px=stride, noise=noise, generator=generator
    )

    def anchor(region: Image2ImageRegion) -> ImageAnchor:
        picture = Reference(
            picture=references[region.reference_image],
            height_px=region.height_px,
            width_px=region.width_px,
        )
        checkpoint()
        return ImageAnchor(
            window=Window.of(region, stride),
            latents=autoencoder.encode(picture, generator, on=vae_device, checkpoint=checkpoint).to(
                device
            ),
            release=schedule.release_timestep(region.strength),
        )

    def decoded(latents: Tensor, step: int | None) -> Iterator[PictureRows]:
        for rows in autoencoder.decode(latents, on=vae_device, checkpoint=checkpoint):
            checkpoint()
            yield PictureRows(step=step, rows=rows, size_px=(job.canvas_width, job.canvas_height))

    anchors = [anchor(region) for region in job.image_regions]
    plan = denoiser.plan(job.text_regions, job.negative_prompt)
    diffusers = [
        TextDiffuser(
            window=Window.of(region, stride),
            weights=torch.from_numpy(region_weights(region, stride)),
        )
        for region in job.text_regions
    ]

    yield PhaseBegan(phase="sampling")
    steps = len(schedule.timesteps)
    clock = _PreviewClock(preview_every_s)
    began = time.monotonic()
    latents = start
    run = sample(
        start,
        diffusers,
        anchors,
        plan=plan,
        schedule=schedule,
        generator=generator,
        checkpoint=checkpoint,
    )
    for step, latents in enumerate(run, start=1):
        elapsed = time.monotonic() - began
        remaining = elapsed / step * (steps - step)
        yield StepDone(step=step, steps=steps, elapsed_s=elapsed, remaining_s=remaining)
        if job.decode_steps:
            yield from decoded(latents, step)
        if clock.is_due():
            yield Preview(step=step, picture=autoencoder.preview(latents))
        checkpoint()

    yield PhaseBegan(phase="decoding")
    checkpoint()
    yield from decoded(latents, None)
    yield Generated(latents=latents)
