"""Stage 1: the autoencoder, on crops of painted pictures and on collages of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn.functional import avg_pool2d

from training import checkpoint, workers
from training.clock import Clock, learning_rate
from training.data import PaintedSet, TrainingSets, training_sets
from training.painting.collage import collage
from training.precision import autocast
from training.settings import Settings, VaeSettings

SAVE_EVERY_S = 240.0
LOG_EVERY = 50
REDUCTION = 8
ALIGNED_SHARE = 0.75


def build(settings: VaeSettings) -> AutoencoderKL:
    """Make the autoencoder with fresh weights."""
    levels = len(settings.channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=settings.channels,
        layers_per_block=1,
        norm_num_groups=settings.groups,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        mid_block_add_attention=False,
        sample_size=128,
    )


def random_crops(
    painted: PaintedSet[Any], count: int, crop_px: int, rng: np.random.Generator
) -> Tensor:
    """Cut random crops, most of them on the borders of the autoencoder's cells.

    Shapes: (N, 3, crop, crop) in [-1, 1].
    """
    total, height_px, width_px, _ = painted.pictures.shape
    crops = np.empty((count, crop_px, crop_px, 3), np.uint8)
    for i in range(count):
        stride = REDUCTION if rng.random() < ALIGNED_SHARE else 1
        top = stride * int(rng.integers(0, (height_px - crop_px) // stride + 1))
        left = stride * int(rng.integers(0, (width_px - crop_px) // stride + 1))
        picture = painted.pictures[int(rng.integers(total))]
        crops[i] = picture[top : top + crop_px, left : left + crop_px]
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def training_batch(
    sets: TrainingSets, count: int, crop_px: int, rng: np.random.Generator, landscape_share: float
) -> Tensor:
    """Give a batch of which every second picture is a collage, of landscapes or of materials."""
    rows = []
    for i in range(count):
        painted: PaintedSet[Any] = sets.small
        if rng.random() < landscape_share:
            painted = sets.landscapes[int(rng.integers(len(sets.landscapes)))]
        if i % 2 == 0:
            rows.append(random_crops(painted, 1, crop_px, rng)[0])
        else:
            parts = int(rng.choice([2, 2, 3, 4]))
            rows.append(collage(random_crops(painted, parts, crop_px, rng), rng))
    return torch.stack(rows)


def _gradients(pictures: Tensor) -> tuple[Tensor, Tensor]:
    return (
        pictures[..., 1:, :] - pictures[..., :-1, :],
        pictures[..., :, 1:] - pictures[..., :, :-1],
    )


def reconstruction_loss(decoded: Tensor, pictures: Tensor, settings: VaeSettings) -> Tensor:
    """Absolute and squared error of the values, and absolute error of their gradients."""
    error = decoded - pictures
    loss = error.abs().mean() + 0.5 * error.square().mean()
    for ours, theirs in zip(_gradients(decoded), _gradients(pictures), strict=True):
        loss = loss + settings.gradient_weight * (ours - theirs).abs().mean()
    return loss + settings.colour_weight * avg_pool2d(error, REDUCTION).abs().mean()


def colour_loss(latents: Tensor, pictures: Tensor) -> Tensor:
    """What the best linear map of the latents misses of the mean colours of their cells.

    Without it the green-magenta axis is the last thing that a small encoder learns.
    """
    asked = avg_pool2d(pictures, REDUCTION).permute(0, 2, 3, 1).flatten(0, 2)  # (cells, 3)
    given = latents.float().permute(0, 2, 3, 1).flatten(0, 2)
    given = torch.cat([given, torch.ones_like(given[:, :1])], 1)  # (cells, 5)
    with torch.no_grad():
        ridge = 1e-3 * torch.eye(given.shape[1], device=given.device)
        best = torch.linalg.solve(given.T @ given / len(given) + ridge, given.T @ asked)
        best = best / len(given)
    return (given @ best - asked).square().mean()


def psnr_db(vae: AutoencoderKL, pictures: Tensor) -> float:
    """Peak signal-to-noise ratio of the reconstruction of the encoder's mean, in decibels."""
    with torch.no_grad():
        decoded = vae.decode(vae.encode(pictures).latent_dist.mode()).sample.clamp(-1.0, 1.0)
    squared = (decoded - pictures).square().mean((1, 2, 3)) / 4.0
    return float((-10.0 * squared.clamp_min(1e-8).log10()).mean())


def _checked(vae: AutoencoderKL, sets: TrainingSets) -> dict[str, float]:
    """Measure the reconstruction of fixed crops of materials, their collages and landscapes."""
    fixed = np.random.default_rng(99)
    device = next(vae.parameters()).device
    alone = random_crops(sets.small, 8, 128, fixed).to(device)
    collages = training_batch(sets, 16, 128, fixed, 0.0)[1::2].to(device)
    landscapes = random_crops(sets.landscapes[0], 16, 256, fixed).to(device)
    return {
        "psnr_db": psnr_db(vae, alone),
        "psnr_collages_db": psnr_db(vae, collages),
        "psnr_landscapes_db": psnr_db(vae, landscapes),
    }


def _loss(
    vae: AutoencoderKL, pictures: Tensor, settings: VaeSettings, *, decoder_only: bool
) -> Tensor:
    with autocast(pictures.device.type):
        with torch.set_grad_enabled(not decoder_only):
            posterior = vae.encode(pictures).latent_dist
        latents = posterior.mode() if decoder_only else posterior.sample()
        decoded = vae.decode(latents).sample
    loss = reconstruction_loss(decoded.float(), pictures, settings)
    if decoder_only:
        return loss
    loss = loss + settings.kl_weight * posterior.kl().mean() / posterior.mean[0].numel()
    return loss + settings.linear_colour_weight * colour_loss(posterior.mean, pictures)


def train(
    settings: Settings, *, resume: bool = False, warm: bool = False, decoder_only: bool = False
) -> AutoencoderKL:
    """Train the autoencoder within its budget and leave it in the cache.

    With `resume` an interrupted run goes on; with `warm` a new one begins with its weights.

    With `decoder_only` the encoder of the last checkpoint stays as it is, and with it all latents
    that a denoiser was trained on; the time spent so counts for itself.
    """
    own = settings.vae
    name = "decoder" if decoder_only else "vae"
    folder: Path = settings.cache / "vae"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sets = training_sets(settings.cache / "data", settings.data)
    vae = build(own).to(device)
    stages: dict[str, Any] = {}
    if (resume or warm or decoder_only) and (folder / "state.json").exists():
        weights, stages = checkpoint.load(folder)
        vae.load_state_dict(weights)
    before = stages.get(name, {}) if resume else {}
    earlier = checkpoint.earlier_runs(stages.get(name, {}), resume=resume, warm=warm)
    step, curve = int(before.get("step", 0)), list(before.get("curve", []))
    if decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    modules = {"vae": vae}
    parameters = workers.parameters_of(modules)
    peak = own.decoder_learning_rate if decoder_only else own.learning_rate
    optimizer = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.98), fused=True)
    if before:
        checkpoint.load_optimizer(folder / name, optimizer)
    torch.manual_seed(own.seed + step)
    clock = Clock(settings.budgets[name], float(before.get("elapsed_s", 0.0)))
    saved_s, recent = clock.elapsed_s(), list[float]()

    def store() -> None:
        measured = _checked(vae, sets)
        stages[name] = {
            "step": step,
            "elapsed_s": clock.elapsed_s(),
            **measured,
            "earlier_runs": earlier,
            "curve": curve,
        }
        checkpoint.save(folder / name, {}, {}, optimizer)
        checkpoint.save(folder, vae.state_dict(), stages)
        print(f"{name} saved:", {k: round(v, 2) for k, v in measured.items()}, flush=True)

    def loss_of(copies: workers.Modules, rng: np.random.Generator) -> Tensor:
        late = decoder_only or clock.progress(step) > 1.0 - own.late_share
        count, crop_px = (own.late_batch, own.late_crop_px) if late else (own.batch, own.crop_px)
        share = count // settings.workers()
        pictures = training_batch(sets, share, crop_px, rng, own.landscape_share).to(device)
        return _loss(copies["vae"], pictures, own, decoder_only=decoder_only)

    def apply(loss: float) -> None:
        nonlocal step, saved_s
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, clock.progress(step), peak=peak)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        recent.append(loss)
        step += 1
        if step % LOG_EVERY == 0:
            curve.append([step, clock.elapsed_s(), float(np.mean(recent))])
            print(f"{name} {step} {clock.elapsed_s():.0f} s loss {np.mean(recent):.4f}", flush=True)
            recent.clear()
        if clock.elapsed_s() - saved_s > SAVE_EVERY_S:
            saved_s = clock.elapsed_s()
            store()

    workers.train(
        modules,
        workers=settings.workers(),
        seed=[own.seed, step, int(decoder_only)],
        loss_of=loss_of,
        apply=apply,
        over=lambda: clock.over(step),
    )
    store()
    return vae


@torch.no_grad()
def encode_set(vae: AutoencoderKL, painted: PaintedSet[Any], batch: int = 16) -> Tensor:
    """Encode a whole set to the means of its latents, unscaled.

    Shapes: (N, 4, H/8, W/8).
    """
    device = next(vae.parameters()).device
    vae.to(memory_format=torch.channels_last)  # on a CPU a third faster
    parts = []
    for start in range(0, len(painted.wishes), batch):
        block = np.array(painted.pictures[start : start + batch])
        pictures = torch.from_numpy(block).permute(0, 3, 1, 2).float().to(device) / 127.5 - 1.0
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with autocast(device.type):
            latents = vae.encode(pictures).latent_dist.mode()
        parts.append(latents.float().cpu())
    return torch.cat(parts).contiguous()
