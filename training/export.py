"""Stage 4: the trained parts as one Stable Diffusion folder in half precision."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline

from training import checkpoint, denoiser, names, vae
from training.settings import Settings
from training.text import build_text_encoder, build_tokenizer, vocabulary

USE = {
    "title": "Bundled materials",
    "trained": True,
    "native_size_px": 128,
    "largest_size_px": 320,
    "num_inference_steps": 16,
    "guidance_scale": 4.0,
    "scheduler": "ddim",
}


def note() -> str:
    """Return what the folder says of the model: how to use it, and the names that it knows."""
    use = {**USE, "knows": names.things(), "looks": names.looks(), "patterns": names.patterns()}
    return json.dumps(use, indent=2, ensure_ascii=False) + "\n"


def assemble(settings: Settings) -> StableDiffusionPipeline:
    """Build the pipeline of the averaged weights in the cache, in full precision."""
    own = settings.denoiser
    autoencoder = vae.build(settings.vae)
    autoencoder.load_state_dict(checkpoint.load(settings.cache / "vae")[0])
    weights, state = checkpoint.load(settings.cache / "denoiser")
    autoencoder.register_to_config(scaling_factor=round(float(state["scaling_factor"]), 5))
    tokenizer = build_tokenizer(own)
    unet, text = denoiser.build(own), build_text_encoder(own, tokenizer)
    for name, module in (("unet", unet), ("text", text)):
        start = f"{name}."
        part = {k[len(start) :]: v for k, v in weights.items() if k.startswith(start)}
        missing, unexpected = module.load_state_dict(part, strict=False)
        left = [key for key in missing if "position_ids" not in key]
        if left or unexpected:
            raise ValueError(f"{name}: the checkpoint lacks {left} or has too much {unexpected}")
    return StableDiffusionPipeline(
        vae=autoencoder.eval(),
        text_encoder=text.eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=denoiser.build_scheduler(own),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def export(settings: Settings, folder: Path) -> None:
    """Write the model folder: weights in half precision, both tokenizer forms, how to use it."""
    pipeline = assemble(settings).to(dtype=torch.float16)
    card_path = folder / "MODEL_CARD.md"
    card = card_path.read_text() if card_path.exists() else None
    if folder.exists():
        shutil.rmtree(folder)
    pipeline.save_pretrained(folder, safe_serialization=True)
    # Without this word transformers 5 would load the text encoder in half precision beside a
    # U-Net in single precision.
    config_path = folder / "text_encoder" / "config.json"
    config = json.loads(config_path.read_text())
    config["dtype"] = "float32"
    config_path.write_text(json.dumps(config, indent=2) + "\n")
    words, merges = vocabulary(settings.denoiser)
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(words, ensure_ascii=False))
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "tokenizer" / "merges.txt").write_text("\n".join(lines) + "\n")
    (folder / "mixdiff.json").write_text(note())
    if card is not None:
        card_path.write_text(card)
