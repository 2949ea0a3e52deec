"""Stage 2: the U-Net and the text encoder, together, on the velocity of the latents."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from training import checkpoint, feed, vae, workers
from training.clock import Clock, held_rate
from training.latents import encoded_sets
from training.matrices import MixedOptimizer
from training.precision import autocast
from training.settings import DenoiserSettings, Settings
from training.text import build_text_encoder, build_tokenizer

SAVE_EVERY_S = 240.0
LOG_EVERY = 50


def build(settings: DenoiserSettings) -> UNet2DConditionModel:
    """Make the U-Net with fresh weights."""
    unet = UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        layers_per_block=settings.layers,
        block_out_channels=settings.channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=settings.text_width,
        attention_head_dim=settings.heads,
        norm_num_groups=settings.groups,
    )
    if not torch.cuda.is_available():
        # On a CPU the backward pass of the fused attention takes a third of the step; so it does
        # in the text encoder.
        unet.set_attn_processor(AttnProcessor())
    return unet


def build_scheduler(settings: DenoiserSettings) -> DDIMScheduler:
    """Make the noise schedule.

    Its end is noisier than Stable Diffusion's (which leaves 7 % of the picture's mean in the
    noise), so that even grounds get their brightness, and still has no zero signal-to-noise
    ratio, which several schedulers cannot start from.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=settings.beta_start,
        beta_end=settings.beta_end,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="trailing",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoiser:
    """The trained parts of stage 2 with what they need beside them."""

    unet: UNet2DConditionModel
    text: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDIMScheduler
    scaling_factor: float


def velocity_loss(
    denoiser: Denoiser, latents: Tensor, mask: Tensor, ids: Tensor, times: Tensor
) -> Tensor:
    """Squared error of the predicted velocity where the mask counts it.

    Shapes: latents (B, 4, h, w), mask (B, 1, h, w), ids (B, tokens), times (B,).

    Source: Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion Models",
    arXiv 2202.00512.
    """
    noise = torch.randn_like(latents)
    noisy = denoiser.scheduler.add_noise(latents, noise, times)
    target = denoiser.scheduler.get_velocity(latents, noise, times)
    with autocast(noisy.device.type):
        words = denoiser.text(ids).last_hidden_state
        predicted = denoiser.unet(noisy, times, words).sample
    error = (predicted.float() - target).square() * mask
    return error.sum() / (mask.sum() * target.shape[1])


def training_times(count: int, settings: DenoiserSettings, timesteps: int) -> Tensor:
    """Draw times evenly over the schedule, most of them over its middle, where shapes are decided.

    Shapes: (count,), whole numbers from 0 to `timesteps` - 1.
    """
    places = (torch.arange(count) + torch.rand(count)) / count
    in_middle = torch.randperm(count) < settings.middle_share * count
    low, high = settings.middle
    spread = torch.where(in_middle, low + (high - low) * places, places)
    return (spread * timesteps).long()


def _initial(own: DenoiserSettings, scaling_factor: float, device: torch.device) -> Denoiser:
    tokenizer = build_tokenizer(own)
    unet, text = build(own).to(device), build_text_encoder(own, tokenizer).to(device)
    if device.type == "cpu":
        # There group norms in bfloat16 are ten times slower on channels that lie last.
        text.set_attn_implementation("eager")
    else:
        unet.to(memory_format=torch.channels_last)
    return Denoiser(
        unet=unet,
        text=text,
        tokenizer=tokenizer,
        scheduler=build_scheduler(own),
        scaling_factor=scaling_factor,
    )


def train(settings: Settings, *, resume: bool = False, warm: bool = False) -> None:
    """Train the U-Net and the text encoder within their budget and leave them in the cache.

    With `resume` an interrupted run goes on; with `warm` a new one begins with its weights.
    """
    own = settings.denoiser
    folder: Path = settings.cache / "denoiser"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(own.seed)
    autoencoder = vae.build(settings.vae)
    autoencoder.load_state_dict(checkpoint.load(settings.cache / "vae")[0])
    sets = encoded_sets(settings, autoencoder)
    denoiser = _initial(own, sets.scaling_factor, device)
    unet, text = denoiser.unet, denoiser.text
    unet.train()
    text.train()
    modules = {"unet": unet, "text": text}
    parameters = workers.parameters_of(modules)
    optimizer = MixedOptimizer(modules, own.learning_rate, threads=settings.workers())
    step, spent_s, curve = 0, 0.0, list[list[float]]()
    goes_on = (resume or warm) and (folder / "state.json").exists()
    weights, stored = checkpoint.load(folder) if goes_on else ({}, {})
    earlier = checkpoint.earlier_runs(stored, resume=resume, warm=warm)
    if goes_on:
        live, _ = checkpoint.load(folder / "live")
        for name, module in modules.items():
            start = f"{name}."
            module.load_state_dict(
                {k[len(start) :]: v for k, v in live.items() if k.startswith(start)}, strict=False
            )
        if not warm:
            checkpoint.load_optimizer(folder / "live", optimizer)
    average = checkpoint.Average(modules, own.ema)
    if goes_on and not warm:
        for key, shadow in average.shadow.items():
            shadow.copy_(weights[key])
        step, spent_s, curve = stored["step"], stored["elapsed_s"], stored["curve"]
    torch.manual_seed(own.seed + step)
    clock = Clock(settings.budgets["denoiser"], spent_s)
    saved_s, recent = clock.elapsed_s(), list[float]()
    size = own.batch // settings.workers() if device.type == "cpu" else own.gpu_batch
    draw = feed.drawing(sets, denoiser.tokenizer, size, own)
    if device.type != "cpu":
        draw = feed.drawn_ahead(draw, [own.seed, step])

    def store() -> None:
        state = {
            "step": step,
            "elapsed_s": clock.elapsed_s(),
            "curve": curve,
            "scaling_factor": denoiser.scaling_factor,
            "earlier_runs": earlier,
        }
        live = {
            f"{name}.{key}": parameter
            for name, module in modules.items()
            for key, parameter in module.named_parameters()
        }
        checkpoint.save(folder / "live", live, {"step": step}, optimizer)
        checkpoint.save(folder, average.shadow, state)
        print(f"denoiser saved at step {step}", flush=True)

    def loss_of(copies: workers.Modules, rng: np.random.Generator) -> Tensor:
        drawn = draw(rng, clock.progress(step))
        latents = drawn.latents.to(device, non_blocking=True)
        ids, mask = (t.to(device, non_blocking=True) for t in (drawn.ids, drawn.mask))
        timesteps = denoiser.scheduler.config.num_train_timesteps
        times = training_times(len(latents), own, timesteps).to(device)
        parts = dataclasses.replace(denoiser, unet=copies["unet"], text=copies["text"])
        return velocity_loss(parts, latents, mask, ids, times)

    def apply(loss: float) -> None:
        nonlocal step, saved_s
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step(held_rate(step, clock.progress(step), peak=own.learning_rate))
        average.update(step)
        recent.append(loss)
        step += 1
        if step % LOG_EVERY == 0:
            curve.append([step, clock.elapsed_s(), float(np.mean(recent))])
            print(
                f"denoiser {step} {clock.elapsed_s():.0f} s loss {np.mean(recent):.4f}", flush=True
            )
            recent.clear()
        if clock.elapsed_s() - saved_s > SAVE_EVERY_S:
            saved_s = clock.elapsed_s()
            store()

    workers.train(
        modules,
        workers=settings.workers(),
        seed=[own.seed, step],
        loss_of=loss_of,
        apply=apply,
        over=lambda: clock.over(step),
    )
    store()
