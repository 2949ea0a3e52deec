"""Small IP-Adapters of random weights beside the small models, and encoders that see for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from tests.engine.tiny_models import scatter

PROJECTION, HIDDEN, _INNER, _HEAD, _DEPTH, _QUERIES = 12, 16, 8, 64, 4, 5


def tiny_encoder() -> Any:
    """Return a CLIP that sees pictures of 32 pixels in 16 parts."""
    torch.manual_seed(3)
    config = CLIPVisionConfig(
        hidden_size=HIDDEN,
        intermediate_size=24,
        projection_dim=PROJECTION,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    made = CLIPVisionModelWithProjection(config)
    scatter(made)
    return made.eval()


def adapter_tensors(unet: Any, kind: str = "plain", seed: int = 0) -> dict[str, Tensor]:
    """Return the tensors of an IP-Adapter as its authors name them: plain, plus or full."""
    generator = torch.Generator().manual_seed(seed + 10)
    wide = unet.config.cross_attention_dim

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    found = {f"image_proj.{name}": drawn(*shape) for name, shape in _PROJECTIONS[kind](wide)}
    number = 1
    for name in unet.attn_processors:
        if name.endswith("attn2.processor"):
            attention = unet.get_submodule(name.removesuffix(".processor"))
            size = attention.to_q.weight.shape[1]
            for part in ("to_k_ip", "to_v_ip"):
                found[f"ip_adapter.{number}.{part}.weight"] = drawn(size, wide)
            number += 2
    return found


def save_adapter(folder: Path, unet: Any, kind: str = "plain", seed: int = 0) -> Path:
    """Write an IP-Adapter, and an encoder beside it, and return the adapter's file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{kind}-{seed}.safetensors"
    save_file(adapter_tensors(unet, kind, seed), path)
    if not (folder / "image_encoder").exists():
        tiny_encoder().save_pretrained(folder / "image_encoder")
    return path


def _plain(wide: int) -> list[tuple[str, tuple[int, ...]]]:
    return [
        ("proj.weight", (4 * wide, PROJECTION)),
        ("proj.bias", (4 * wide,)),
        ("norm.weight", (wide,)),
        ("norm.bias", (wide,)),
    ]


def _full(wide: int) -> list[tuple[str, tuple[int, ...]]]:
    return [
        ("proj.0.weight", (HIDDEN, HIDDEN)),
        ("proj.0.bias", (HIDDEN,)),
        ("proj.2.weight", (wide, HIDDEN)),
        ("proj.2.bias", (wide,)),
        ("proj.3.weight", (wide,)),
        ("proj.3.bias", (wide,)),
    ]


def _plus(wide: int) -> list[tuple[str, tuple[int, ...]]]:
    layers = [
        (f"layers.{layer}.{name}", shape)
        for layer in range(_DEPTH)
        for name, shape in (
            ("0.norm1.weight", (_INNER,)),
            ("0.norm1.bias", (_INNER,)),
            ("0.norm2.weight", (_INNER,)),
            ("0.norm2.bias", (_INNER,)),
            ("0.to_q.weight", (_HEAD, _INNER)),
            ("0.to_kv.weight", (2 * _HEAD, _INNER)),
            ("0.to_out.weight", (_INNER, _HEAD)),
            ("1.0.weight", (_INNER,)),
            ("1.0.bias", (_INNER,)),
            ("1.1.weight", (4 * _INNER, _INNER)),
            ("1.3.weight", (_INNER, 4 * _INNER)),
        )
    ]
    return [
        ("latents", (1, _QUERIES, _INNER)),
        ("proj_in.weight", (_INNER, HIDDEN)),
        ("proj_in.bias", (_INNER,)),
        ("proj_out.weight", (wide, _INNER)),
        ("proj_out.bias", (wide,)),
        ("norm_out.weight", (wide,)),
        ("norm_out.bias", (wide,)),
        *layers,
    ]


_PROJECTIONS = {"plain": _plain, "plus": _plus, "full": _full}


def reference(image: str = "p", model: str | None = "adapter", **more: Any) -> Any:
    """Return a reference of a job."""
    return {"image": image, **({} if model is None else {"model": model}), **more}
