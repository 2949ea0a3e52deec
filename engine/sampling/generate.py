"""From a job to a picture, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType

import torch
from torch import Tensor

from engine.contract.base_pass import has_base
from engine.contract.errors import Cancelled, Problem, shown
from engine.contract.geometry import Axes
from engine.contract.job import Image2ImageRegion, Job
from engine.contract.lora_files import LoraFiles
from engine.contract.prompt_syntax import WEIGHTS
from engine.families.base import Model
from engine.runtime.batching import Text
from engine.runtime.controls import Control
from engine.runtime.following import Followed
from engine.runtime.references import Reference
from engine.runtime.windows import window_of
from engine.sampling.base_pass import plans_of
from engine.sampling.controls import NO_CONTROLS, ControlInputs, region_controls
from engine.sampling.events import (
    Generated,
    GenerateEvent,
    ImageRows,
    PhaseBegan,
    Preview,
    StepDone,
    Warned,
)
from engine.sampling.following import NO_REFERENCES, ReferenceInputs, region_references
from engine.sampling.kept import KeptAnchor, change_of, touched
from engine.sampling.loras import hold_loras, misfit_warnings
from engine.sampling.masks import MaskImages, mask_coverage
from engine.sampling.noise import Noise, starting_noise
from engine.sampling.noise_map import Colours
from engine.sampling.poles import calmed
from engine.sampling.ranks import ALONE, Ranks
from engine.sampling.region_windows import coverage_warnings, region_windows
from engine.sampling.sampler import Anchor, ImageAnchor, sample
from engine.sampling.second_pass import enlarged_latents, schedule_of, that_count
from engine.sampling.strength_maps import release_map
from engine.storage.kept import EarlierPicture


@torch.inference_mode()
def generate(
    job: Job,
    model: Model,
    *,
    references: Mapping[str, Tensor],
    masks: MaskImages = MappingProxyType({}),
    loras: LoraFiles = MappingProxyType({}),
    earlier: EarlierPicture | None = None,
    first: Tensor | None = None,
    colours: Colours | None = None,
    controls: ControlInputs = NO_CONTROLS,
    followed: ReferenceInputs = NO_REFERENCES,
    is_cancelled: Callable[[], bool] = lambda: False,
    preview_every_s: float = 0.0,
    ranks: Ranks = ALONE,
) -> Iterator[GenerateEvent]:
    """Run a job whose seeds and guidances are resolved, and yield what happens.

    `references` holds the picture of each image region by its `reference_image`: (1, 3, H, W),
    bytes or preprocessed to [-1, 1]; `masks` the pictures of regions' masks, `loras` the files of
    LoRAs by their names; `earlier` is what the job's `kept` names, `first` the picture of its
    second pass, (1, 3, H, W) as bytes, `colours` its noise map, `controls` and `followed` what its
    controls and its references name. Of several `ranks` each calls this; the first one alone
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
    hold_loras(job, model, loras)
    checkpoint()
    schedule = schedule_of(job, model)
    start = starting_noise(
        job,
        channels=model.channels,
        stride_px=stride,
        noise=noise,
        generator=generator,
        colours=colours,
    )

    def anchor(region: Image2ImageRegion) -> ImageAnchor:
        reference = Reference(
            picture=references[region.reference_image],
            height_px=region.height_px,
            width_px=region.width_px,
            around=job.around(region),
        )
        checkpoint()
        latents = model.codec.encode(reference, generator, on=vae_device, checkpoint=checkpoint)
        mask = None
        if region.mask is not None:
            covered = mask_coverage(masks[region.mask], region, job, stride)
            mask = torch.from_numpy(covered).to(start)
        releases = None
        if region.strength_map is not None:
            own = release_map(masks[region.strength_map], region, schedule, stride)
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
    if first is not None:
        picture = enlarged_latents(
            first, job, model, generator, on=vae_device, checkpoint=checkpoint
        )
        picture = ranks.same(picture.to(device))
    anchors: list[Anchor] = [anchor(region) for region in job.image_regions]
    windows = region_windows(job, stride, masks, patch=model.family.grid_px // stride)
    for problem in coverage_warnings(job, windows, stride):
        yield Warned(problem=problem)
    doubts = (_long_texts(job, model), _unheard_negatives(job, model))
    for problem in chain(*doubts, misfit_warnings(job, model)):
        yield Warned(problem=problem)
    if first is not None:
        windows = that_count(windows, (start.shape[-2], start.shape[-1]))
    change = None
    if earlier is not None:
        change = change_of(job, windows, earlier, stride, masks)
        windows = touched(windows, change)
        anchors.append(
            KeptAnchor(
                latents=ranks.same(
                    _kept_latents(
                        earlier, model, generator, vae_device, checkpoint, job.wrapped
                    ).to(device)
                ),
                freedom=change.freedom.to(start),
            )
        )

    def held(job: Job) -> list[list[Control]]:
        return region_controls(job, model, controls, on=vae_device, checkpoint=checkpoint)

    def looked(job: Job) -> list[list[Followed]]:
        return region_references(job, model, followed, on=vae_device, checkpoint=checkpoint)

    plan, base = plans_of(job, model, windows, start, ranks, held, looked)

    yield PhaseBegan(phase="sampling")
    steps = len(schedule.timesteps)
    began = shown_at = time.monotonic()
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


def _kept_latents(
    earlier: EarlierPicture,
    model: Model,
    generator: torch.Generator,
    vae_device: torch.device,
    checkpoint: Callable[[], None],
    wrapped: Axes,
) -> Tensor:
    """Return the latents of a kept picture: its own, or else what it is encoded to."""
    height, width, _ = earlier.pixels.shape
    shape = (1, model.channels, height // model.stride_px, width // model.stride_px)
    if earlier.latents is not None and earlier.latents.shape == shape:
        return torch.from_numpy(earlier.latents)
    pixels = torch.from_numpy(earlier.pixels).permute(2, 0, 1)[None]
    reference = Reference(picture=pixels, height_px=height, width_px=width, around=wrapped)
    return model.codec.encode(reference, generator, on=vae_device, checkpoint=checkpoint)


def _long_texts(job: Job, model: Model) -> Iterator[Problem]:
    """Yield a warning for each text of which the model sees the beginning alone."""
    texts = [("", "negative_prompt", job.negative_prompt)]
    in_parts = f", or set prompt_syntax to {shown(WEIGHTS)}, which reads all of it"
    if has_base(job):
        texts.append(("", "base_prompt", job.base_prompt))
    for region in job.text_regions:
        texts.append((region.name, "prompt", region.prompt))
        texts.append((region.name, "negative_prompt", region.negative_prompt or ""))
    for region_name, field_name, text in texts:
        is_negative = field_name == "negative_prompt"
        whole = Text(prompt=text, is_negative=is_negative, syntax=job.prompt_syntax)
        if cut_off := model.cut_off(whole):
            yield Problem(
                field=field_name,
                value=shown(text),
                region=region_name,
                message=f"is longer than the model sees: {shown(cut_off)} has no effect",
                remedy="shorten it, what counts most first"
                + (in_parts if model.family.reads_weights else ""),
                severity="warning",
            )


def _unheard_negatives(job: Job, model: Model) -> Iterator[Problem]:
    """Yield a warning for what is to be kept out, where the guidance does not ask for it.

    Of families that never ask for it the job's checks have warned.
    """
    if not model.family.takes_negative:
        return
    for region in job.text_regions:
        own, scale = region.negative_prompt, region.guidance_scale
        text = job.negative_prompt if own is None else own
        terms = model.guidance.terms(region.prompt, text, scale or 0.0)
        if text.strip() and not any(term.text.is_negative for term in terms):
            message = f"has no effect on this model at a guidance of {scale:g}"
            remedy = "use another guidance, or a model that is not made for few steps"
            if not model.guidance.takes_negative:
                message = "has no effect: this model takes no negative prompt"
                remedy = "say in the prompt what there should be instead, or leave it out"
            yield Problem(
                field="negative_prompt",
                value=shown(text),
                region=region.name,
                message=message,
                remedy=remedy,
                severity="warning",
            )
