"""What a person could use instead of the engine, each as a `Prepare`: a folder's model, ready."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.performance.contest import engine_run
from benchmarks.performance.openvino_models import Decoder, Network
from benchmarks.performance.plain import plain_run
from benchmarks.performance.turns import Latents, Work
from engine.contract.job import Job
from engine.families.loading import load_model
from engine.families.schedules import build_scheduler
from engine.runtime.devices import choose_device

_TEXTS, _PREFIX = "text_encoder/model.safetensors", "text_model."
_UNUSED = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def engine(folder: Path, _: Job) -> Work:
    """The engine, as it is by itself on a processor."""
    model = load_model(str(folder), choose_device("cpu"))

    def work(job: Job) -> Latents | None:
        results: dict[str, Tensor] = {}
        for _ in engine_run(job, model, results):
            pass
        return _array(results["latents"])

    return work


def plain_loop(folder: Path, _: Job, *, dtype: torch.dtype) -> Work:
    """The loop of the original and of diffusers' community pipeline, all parts in a precision."""
    return partial(_looped, _pipeline(folder, dtype))


def diffusers_picture(folder: Path, _: Job, *, dtype: torch.dtype) -> Work:
    """Diffusers' own pipeline: one picture with one prompt, of the canvas's size."""
    pipeline = _pipeline(folder, dtype)
    pipeline.set_progress_bar_config(disable=True)

    def work(job: Job) -> None:
        pipeline.scheduler = _scheduler(pipeline, job)
        region = job.text_regions[0]
        pipeline(
            region.prompt,
            height=job.canvas_height,
            width=job.canvas_width,
            num_inference_steps=job.num_inference_steps,
            guidance_scale=region.guidance_scale,
            generator=torch.Generator().manual_seed(job.seed or 0),
            output_type="pil",
        )

    return work


def openvino_loop(folder: Path, job: Job) -> Work:
    """The plain loop with OpenVINO's network and decoder, told to work in bfloat16."""
    pipeline = _pipeline(folder, torch.float32)
    stride, region = pipeline.vae_scale_factor, job.text_regions[0]
    unet = Network(
        pipeline.unet,
        cells=(region.height_px // stride, region.width_px // stride),
        tokens=pipeline.tokenizer.model_max_length,
    )
    canvas = (job.canvas_height // stride, job.canvas_width // stride)
    parts = SimpleNamespace(
        unet=unet,
        vae=Decoder(pipeline.vae, cells=canvas),
        text_encoder=pipeline.text_encoder.to(torch.bfloat16),
        tokenizer=pipeline.tokenizer,
        scheduler=pipeline.scheduler,
        vae_scale_factor=stride,
    )
    return partial(_looped, parts)


def stable_diffusion_cpp(folder: Path, _: Job) -> Work:
    """stable-diffusion.cpp: one picture with one prompt, of the canvas's size; it mixes nothing."""
    package = import_module("stable_diffusion_cpp")
    known = Path(folder, "stable-diffusion.cpp")
    if not known.exists():
        _as_published(folder, known)
    model = package.StableDiffusion(
        model_path=str(known),
        n_threads=torch.get_num_threads(),
        wtype="f16",
        vae_decode_only=True,
        verbose=False,
    )

    def work(job: Job) -> None:
        region = job.text_regions[0]
        model.generate_image(
            prompt=region.prompt,
            height=job.canvas_height,
            width=job.canvas_width,
            sample_steps=job.num_inference_steps,
            cfg_scale=region.guidance_scale,
            sample_method="euler",
            seed=1,
        )

    return work


def _as_published(folder: Path, to: Path) -> None:
    """Put a model beside itself with the text encoder's tensors named as older libraries did."""
    (to / "text_encoder").mkdir(parents=True)
    for part in ("unet", "vae"):
        (to / part).symlink_to(folder / part, target_is_directory=True)
    tensors = load_file(folder / _TEXTS)
    if not any(name.startswith(_PREFIX) for name in tensors):
        tensors = {f"{_PREFIX}{name}": tensor for name, tensor in tensors.items()}
    save_file(tensors, to / _TEXTS)


def _pipeline(folder: Path, dtype: torch.dtype) -> Any:
    pipeline = StableDiffusionPipeline.from_pretrained(str(folder), torch_dtype=dtype, **_UNUSED)
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
        part.eval().requires_grad_(False)
    return pipeline


def _scheduler(pipeline: Any, job: Job) -> Any:
    config = {**pipeline.scheduler.config, "_class_name": "PNDMScheduler"}
    return build_scheduler(job.scheduler, config)


def _looped(pipeline: Any, job: Job) -> Latents:
    results: dict[str, Tensor] = {}
    for _ in plain_run(pipeline, _scheduler(pipeline, job), job, results, decodes=True):
        pass
    return _array(results["latents"])


def _array(latents: Tensor) -> Latents:
    found: Latents = latents.float().cpu().numpy()
    return found
