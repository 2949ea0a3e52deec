"""From an exported model back to checkpoints, so that training goes on on another machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from training import checkpoint, denoiser
from training.grow import grown_text, grown_unet
from training.settings import Settings
from training.text import build_text_encoder, build_tokenizer, vocabulary

RECORD = Path(__file__).parent / "record.json"


def restore(settings: Settings, folder: Path, record: Path = RECORD) -> None:
    """Fill the cache with an exported model's weights and the record's steps and times.

    A model smaller than the settings ask for begins the larger one, which computes the same.

    The optimiser's state is not part of a model: a resumed stage begins with a fresh one.

    Raises: FileExistsError where the cache holds checkpoints already.
    """
    vae_folder, denoiser_folder = settings.cache / "vae", settings.cache / "denoiser"
    for taken in (vae_folder, denoiser_folder):
        if (taken / "state.json").exists():
            raise FileExistsError(f"{taken} holds a checkpoint; name another --cache, or remove it")
    stages: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))["stages"]
    states = {name: {**stages.get(name, {}), "curve": []} for name in ("vae", "decoder")}
    vae = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    checkpoint.save(vae_folder, {key: value.float() for key, value in vae.items()}, states)
    config = json.loads((folder / "vae" / "config.json").read_text(encoding="utf-8"))
    own = settings.denoiser
    torch.manual_seed(own.seed)
    unet = grown_unet(
        load_file(folder / "unet" / "diffusion_pytorch_model.safetensors"),
        denoiser.build(own),
        len(own.channels),
    )
    tokenizer = build_tokenizer(own)
    text = grown_text(
        load_file(folder / "text_encoder" / "model.safetensors"),
        build_text_encoder(own, tokenizer),
        json.loads((folder / "tokenizer" / "vocab.json").read_text(encoding="utf-8")),
        vocabulary(own)[0],
    )
    weights: dict[str, Tensor] = {f"unet.{key}": value for key, value in unet.items()}
    weights |= {f"text.{key}": value for key, value in text.items()}
    state = {**stages.get("denoiser", {}), "curve": [], "scaling_factor": config["scaling_factor"]}
    checkpoint.save(denoiser_folder, weights, state)
    checkpoint.save(denoiser_folder / "live", weights, {"step": state.get("step", 0)})
