"""Writes a diffusers model as one checkpoint file in the layout of the first Stable Diffusion."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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


def write_checkpoint(pipeline: Any, path: Path) -> None:
    """Write the weights of a StableDiffusionPipeline as one .safetensors file."""
    blocks = len(pipeline.vae.config.block_out_channels)
    tensors: dict[str, Tensor] = {}
    for key, value in pipeline.unet.state_dict().items():
        tensors[f"model.diffusion_model.{_unet_key(key, pipeline.unet)}"] = value
    for key, value in pipeline.vae.state_dict().items():
        new_key, new_value = _vae_entry(key, value, blocks)
        tensors[f"first_stage_model.{new_key}"] = new_value
    for key, value in pipeline.text_encoder.state_dict().items():
        tail = key.removeprefix("text_model.")
        tensors[f"cond_stage_model.transformer.text_model.{tail}"] = value
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)
