"""LoRAs of random weights for small models, as files in the layouts that people have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

RANK = 2
_SIZE = 0.3  # of the matrices' numbers: what they change is seen after three steps

Layer = tuple[str, str, Tensor, Tensor]
"""The part, the layer's name there, and the matrices (r, in, …) and (out, r, …)."""


def layers_of(pipeline: Any, parts: Iterable[str], names: str, seed: int) -> list[Layer]:
    """Return random matrices for the layers of some parts whose names match a pattern."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for part in parts:
        for name, module in getattr(pipeline, part).named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and re.search(names, name):
                weight = module.weight
                down = torch.randn(RANK, *weight.shape[1:], generator=generator) * _SIZE
                up = torch.randn(weight.shape[0], RANK, generator=generator) * _SIZE
                up = up.reshape(*up.shape, *([1] * (weight.ndim - 2)))
                found.append((part, name, down, up))
    assert found
    return found


def merge(pipeline: Any, layers: Iterable[Layer], weight: float = 1.0) -> None:
    """Add what a LoRA adds to the weights of a pipeline themselves."""
    for part, name, down, up in layers:
        module = getattr(pipeline, part).get_submodule(name)
        delta = (up.flatten(1) @ down.flatten(1)).reshape(module.weight.shape)
        module.weight.data.add_(delta, alpha=weight)


def diffusers_names(layers: Iterable[Layer]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors as diffusers saves them today."""
    for part, name, down, up in layers:
        if part.startswith("text_encoder") and not name.startswith(("text_model", "encoder.block")):
            name = f"text_model.{name}"
        yield f"{part}.{name}.lora_A.weight", down
        yield f"{part}.{name}.lora_B.weight", up


def kohya_names(layers: Iterable[Layer], alpha: float = RANK) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors as kohya's programs save them, with an alpha each."""
    prefixes = {"text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}
    for part, name, down, up in layers:
        if part.startswith("text_encoder") and not name.startswith("text_model"):
            name = f"text_model.{name}"
        stem = f"{prefixes.get(part, 'lora_unet')}_{name.replace('.', '_')}"
        yield f"{stem}.lora_down.weight", down
        yield f"{stem}.lora_up.weight", up
        yield f"{stem}.alpha", torch.tensor(float(alpha))


def comfy_names(layers: Iterable[Layer]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors as ComfyUI and many trainers name them: the network's layers alone."""
    for _, name, down, up in layers:
        yield f"diffusion_model.{name}.lora_A.weight", down
        yield f"diffusion_model.{name}.lora_B.weight", up


def write(
    path: Path,
    layers: Iterable[Layer],
    names: Callable[[Iterable[Layer]], Iterator[tuple[str, Tensor]]] = diffusers_names,
    **metadata: str,
) -> Path:
    """Write a file of a LoRA in a layout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.clone() for name, tensor in names(layers)}
    save_file(tensors, path, metadata={"format": "pt", **metadata})
    return path
