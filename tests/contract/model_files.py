"""Models as they lie on people's disks, of headers and settings alone."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

TINY_SD = Path(__file__).parents[1] / "data" / "tiny-sd"

_FIRST = "model.diffusion_model.input_blocks.0.0.weight"
NETWORK = {_FIRST: (8, 4, 3, 3), "model.diffusion_model.out.2.weight": (4, 8, 3, 3)}
_VAE = {"first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3)}
SD = {**NETWORK, **_VAE, "cond_stage_model.transformer.text_model.final_layer_norm.weight": (8,)}
SDXL = {
    **NETWORK,
    **_VAE,
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight": (8,),
    "conditioner.embedders.1.model.ln_final.weight": (8,),
}


def seeing(channels: int, model: Mapping[str, tuple[int, ...]] = SD) -> dict[str, tuple[int, ...]]:
    """Return a checkpoint's tensors whose network sees other channels."""
    return {**model, _FIRST: (8, channels, 3, 3)}


def write_weights(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """Write a safetensors file of these tensors, in half precision and hollow."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return path


def write_gguf_header(
    path: Path, shapes: Mapping[str, tuple[int, ...]], *, kind: int = 1, values: bytes = b""
) -> Path:
    """Write a GGUF file of these tensors, all of one kind (1: half precision), and hollow."""

    def text(name: str) -> bytes:
        return struct.pack("<Q", len(name.encode())) + name.encode()

    known = text("general.architecture") + struct.pack("<I", 8) + text("flux")
    lists = text("a.list") + struct.pack("<IIQ", 9, 8, 2) + text("x") + text("y")
    header = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), 2 + bool(values))
    header += known + lists + values
    end = 0
    for name, shape in shapes.items():
        header += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        header += struct.pack("<IQ", kind, end)
        end += -(-2 * prod(shape) // 32) * 32
    path.write_bytes(header + bytes(-len(header) % 32) + bytes(end))
    return path


def copy_model(folder: Path, **changes: Mapping[str, Any]) -> Path:
    """Copy a small model; `changes` of its JSON files, by their paths with `__` for the slash."""
    shutil.copytree(TINY_SD, folder)
    for name, values in changes.items():
        path = folder / f"{name.replace('__', '/')}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


def write_part(folder: Path, config: Mapping[str, Any]) -> Path:
    """Write a folder that holds one part of a model: its settings, and something of weights."""
    write_weights(folder / "diffusion_pytorch_model.safetensors", {"x": (1,)})
    (folder / "config.json").write_text(json.dumps(config))
    return folder
