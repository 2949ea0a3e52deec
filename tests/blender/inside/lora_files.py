"""LoRAs of random weights for the tests' small model, written without any library."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from scenes import TINY_SD

RANK = 2
_LENGTH_BYTES = 8


def header_of(path: Path) -> dict[str, Any]:
    """Return what a safetensors file holds, tensor by tensor."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES))
        found: dict[str, Any] = json.loads(file.read(length))
    return found


def write_tensors(path: Path, tensors: dict[str, Any]) -> Path:
    """Write a safetensors file of arrays of 32 bits."""
    header, data = {}, b""
    for name, values in tensors.items():
        start = len(data)
        data += np.ascontiguousarray(values, np.float32).tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [start, len(data)],
        }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def write_lora(path: Path, seed: int = 1) -> Path:
    """Write a LoRA of all attention layers of the small model's network."""
    draw, tensors = np.random.default_rng(seed), {}
    for name, one in header_of(TINY_SD / "unet" / "diffusion_pytorch_model.safetensors").items():
        if name.endswith((".to_q.weight", ".to_k.weight", ".to_v.weight")):
            outputs, inputs = one["shape"]
            layer = f"unet.{name.removesuffix('.weight')}"
            tensors[f"{layer}.lora_A.weight"] = draw.normal(size=(RANK, inputs))
            tensors[f"{layer}.lora_B.weight"] = draw.normal(size=(outputs, RANK))
    assert tensors
    return write_tensors(path, tensors)


def write_foreign_lora(path: Path) -> Path:
    """Write a LoRA for FLUX.1."""
    layer = "transformer.single_transformer_blocks.0.proj_mlp"
    matrices = {"lora_A": np.zeros((2, 3072)), "lora_B": np.zeros((12288, 2))}
    return write_tensors(path, {f"{layer}.{key}.weight": m for key, m in matrices.items()})
