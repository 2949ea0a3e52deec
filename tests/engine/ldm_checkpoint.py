"""Writes a diffusers model as one checkpoint file in the layout of the first Stable Diffusion."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}


def _renamed(key: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        if key == old or key.startswith(f"{old}.") or f".{old}." in f".{key}":
            return f".{key}".replace(f".{old}.", f".{new}.", 1)[1:]
    return key


def _unet_key(key: str, unet: Any) -> str:
    layers = unet.config.layers_per_block
    found = re.match(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|\w+samplers)\.(\d+)\.(.*)", key)
    if found:
        side, block, part, layer, rest = found.groups()
        rows = layers + 1
        number = int(block) * rows + int(layer) + (1 if side == "down" else 0)
        if part == "downsamplers":
            return (
                f"input_blocks.{int(block) * rows + layers + 1}.0.op.{rest.removeprefix('conv.')}"
            )
        if part == "upsamplers":
            column = 2 if hasattr(unet.up_blocks[int(block)], "attentions") else 1
            return f"output_blocks.{int(block) * rows + layers}.{column}.{rest}"
        place = f"{'input' if side == 'down' else 'output'}_blocks.{number}"
        column = 0 if part == "resnets" else 1
        return f"{place}.{column}.{_renamed(rest, RESNET) if part == 'resnets' else rest}"
    key = _renamed(key, UNET_TOP)
    return (
        _renamed(key, RESNET) if key.startswith("middle_block.") and ".1." not in key[:15] else key
    )


def _vae_entry(key: str, value: Tensor, blocks: int) -> tuple[str, Tensor]:
    def up(found: re.Match[str]) -> str:
        return f"decoder.up.{blocks - 1 - int(found[1])}."

    key = re.sub(r"encoder\.down_blocks\.(\d+)\.", r"encoder.down.\1.", key)
    key = re.sub(r"decoder\.up_blocks\.(\d+)\.", up, key)
    key = re.sub(r"(down|up)samplers\.0\.", r"\1sample.", key)
    key = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", key)
    key = re.sub(r"\.resnets\.(\d+)\.", r".block.\1.", key)
    key = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    if "mid_block.attentions.0." in key:
        key = _renamed(key.replace("mid_block.attentions.0", "mid.attn_1"), VAE_ATTENTION)
        if value.ndim == 2:
            value = value[:, :, None, None]
    return key, value


OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def _open_clip(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield a text encoder's weights as OpenCLIP names and lays them out."""
    tensors = {key.removeprefix("text_model."): value for key, value in tensors.items()}
    yield "token_embedding.weight", tensors["embeddings.token_embedding.weight"]
    yield "positional_embedding", tensors["embeddings.position_embedding.weight"]
    if "text_projection.weight" in tensors:
        yield "text_projection", tensors["text_projection.weight"].T
    for part in ("weight", "bias"):
        yield f"ln_final.{part}", tensors[f"final_layer_norm.{part}"]
    layers = {int(m[1]) for key in tensors if (m := re.match(r"encoder\.layers\.(\d+)\.", key))}
    for layer in layers:
        old, new = f"encoder.layers.{layer}", f"transformer.resblocks.{layer}"
        for part in ("weight", "bias"):
            projections = [tensors[f"{old}.self_attn.{one}_proj.{part}"] for one in "qkv"]
            yield f"{new}.attn.in_proj_{part}", torch.cat(projections)
            for ours, theirs in OPEN_CLIP.items():
                yield f"{new}.{theirs}.{part}", tensors[f"{old}.{ours}.{part}"]


def checkpoint_tensors(pipeline: Any) -> dict[str, Tensor]:
    """Return the weights of a Stable Diffusion or SDXL pipeline by the names of such a file."""
    blocks = len(pipeline.vae.config.block_out_channels)
    tensors: dict[str, Tensor] = {}
    for key, value in pipeline.unet.state_dict().items():
        tensors[f"model.diffusion_model.{_unet_key(key, pipeline.unet)}"] = value
    for key, value in pipeline.vae.state_dict().items():
        new_key, new_value = _vae_entry(key, value, blocks)
        tensors[f"first_stage_model.{new_key}"] = new_value
    is_xl = hasattr(pipeline, "text_encoder_2")
    text = "conditioner.embedders.0.transformer" if is_xl else "cond_stage_model.transformer"
    encoder = pipeline.text_encoder.state_dict()
    if not is_xl and pipeline.text_encoder.config.hidden_act == "gelu":
        for key, value in _open_clip(encoder):
            tensors[f"cond_stage_model.model.{key}"] = value
    else:
        for key, value in encoder.items():
            tensors[f"{text}.text_model.{key.removeprefix('text_model.')}"] = value
    for key, value in _open_clip(pipeline.text_encoder_2.state_dict()) if is_xl else ():
        tensors[f"conditioner.embedders.1.model.{key}"] = value
    return tensors


def write_checkpoint(pipeline: Any, path: Path) -> None:
    """Write a pipeline's weights as one .safetensors file."""
    tensors = checkpoint_tensors(pipeline)
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)


def write_hollow(pipeline: Any, path: Path) -> None:
    """Write a file of a pipeline's shapes whose numbers are all 0, in half precision.

    The pipeline may be on the meta device; on most systems the file takes no room.
    """
    header, end = {}, 0
    for key, value in checkpoint_tensors(pipeline).items():
        start, end = end, end + 2 * value.numel()
        header[key] = {"dtype": "F16", "shape": list(value.shape), "data_offsets": [start, end]}
    head = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        file.truncate(file.tell() + end)


def controlnet_tensors(net: Any, start: str = "control_model.") -> dict[str, Tensor]:
    """Return the weights of a ControlNet by the names of the first ControlNets' files."""
    names = {"controlnet_mid_block": "middle_block_out.0"}
    hints = {"conv_in": "0", "conv_out": "14"}
    tensors: dict[str, Tensor] = {}
    for key, value in net.state_dict().items():
        if found := re.match(r"controlnet_down_blocks\.(\d+)\.(.*)", key):
            new = f"zero_convs.{found[1]}.0.{found[2]}"
        elif found := re.match(r"controlnet_cond_embedding\.blocks\.(\d+)\.(.*)", key):
            new = f"input_hint_block.{2 * int(found[1]) + 2}.{found[2]}"
        elif found := re.match(r"controlnet_cond_embedding\.(conv_in|conv_out)\.(.*)", key):
            new = f"input_hint_block.{hints[found[1]]}.{found[2]}"
        elif key.startswith("controlnet_"):
            new = _renamed(key, names)
        else:
            new = _unet_key(key, net)
        tensors[start + new] = value
    return tensors
