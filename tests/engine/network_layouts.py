"""Writes networks of diffusers' classes as files in the layouts that people have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import torch
from safetensors.torch import save_file
from torch import Tensor

Tensors = dict[str, Tensor]


def _renamed(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> Tensors:
    found = {}
    for name, tensor in tensors.items():
        for theirs, first in names.items():
            name = re.sub(theirs, first, name)
        found[name] = tensor
    return found


def _fused(tensors: Tensors, parts: tuple[str, str, str], whole: str) -> Tensors:
    """Return tensors with queries, keys and values in one."""
    found, (first, *others) = dict(tensors), parts
    for name in tensors:
        if first in name:
            three = [found.pop(name), *(found.pop(name.replace(first, other)) for other in others)]
            found[name.replace(first, whole)] = torch.cat(three)
    return found


def z_image(tensors: Tensors) -> Tensors:
    """Return the network's tensors as its makers name them."""
    fused = _fused(
        tensors, (".attention.to_q.", ".attention.to_k.", ".attention.to_v."), ".attention.qkv."
    )
    return _renamed(
        fused,
        {
            r"^all_final_layer\.2-1\.": "final_layer.",
            r"^all_x_embedder\.2-1\.": "x_embedder.",
            r"\.attention\.to_out\.0\.": ".attention.out.",
            r"\.attention\.norm_([qk])\.": r".attention.\1_norm.",
        },
    )


def _halves_swapped(tensor: Tensor) -> Tensor:
    scale, shift = tensor.chunk(2, dim=0)
    return torch.cat([shift, scale])


def flux2(tensors: Tensors) -> Tensors:
    """Return the network's tensors as its makers name them."""
    swapped = {
        name: _halves_swapped(one) if name.startswith("norm_out.linear.") else one
        for name, one in tensors.items()
    }
    fused = _fused(swapped, (".attn.to_q.", ".attn.to_k.", ".attn.to_v."), ".img_attn.qkv.")
    parts = (".attn.add_q_proj.", ".attn.add_k_proj.", ".attn.add_v_proj.")
    return _renamed(
        _fused(fused, parts, ".txt_attn.qkv."),
        {
            r"^norm_out\.linear\.": "final_layer.adaLN_modulation.1.",
            r"^proj_out\.": "final_layer.linear.",
            r"^x_embedder\.": "img_in.",
            r"^context_embedder\.": "txt_in.",
            r"^time_guidance_embed\.timestep_embedder\.linear_1\.": "time_in.in_layer.",
            r"^time_guidance_embed\.timestep_embedder\.linear_2\.": "time_in.out_layer.",
            r"^time_guidance_embed\.guidance_embedder\.linear_1\.": "guidance_in.in_layer.",
            r"^time_guidance_embed\.guidance_embedder\.linear_2\.": "guidance_in.out_layer.",
            r"^(\w+_stream_modulation\w*)\.linear\.": r"\1.lin.",
            r"^single_transformer_blocks\.": "single_blocks.",
            r"^(single.*)\.attn\.to_qkv_mlp_proj\.": r"\1.linear1.",
            r"^(single.*)\.attn\.to_out\.": r"\1.linear2.",
            r"^(single.*)\.attn\.norm_q\.weight": r"\1.norm.query_norm.scale",
            r"^(single.*)\.attn\.norm_k\.weight": r"\1.norm.key_norm.scale",
            r"^transformer_blocks\.": "double_blocks.",
            r"\.attn\.norm_q\.weight": ".img_attn.norm.query_norm.scale",
            r"\.attn\.norm_k\.weight": ".img_attn.norm.key_norm.scale",
            r"\.attn\.norm_added_q\.weight": ".txt_attn.norm.query_norm.scale",
            r"\.attn\.norm_added_k\.weight": ".txt_attn.norm.key_norm.scale",
            r"\.attn\.to_out\.0\.": ".img_attn.proj.",
            r"\.attn\.to_add_out\.": ".txt_attn.proj.",
            r"\.ff\.linear_in\.": ".img_mlp.0.",
            r"\.ff\.linear_out\.": ".img_mlp.2.",
            r"\.ff_context\.linear_in\.": ".txt_mlp.0.",
            r"\.ff_context\.linear_out\.": ".txt_mlp.2.",
        },
    )


def krea2(tensors: Tensors) -> Tensors:
    """Return the network's tensors as its makers name them."""
    flat = {
        name: one.flatten() if re.search(r"^transformer_blocks\.\d+\.scale_shift", name) else one
        for name, one in tensors.items()
    }
    return _renamed(
        flat,
        {
            r"^final_layer\.scale_shift_table": "last.modulation.lin",
            r"^final_layer\.norm\.weight": "last.norm.scale",
            r"^final_layer\.": "last.",
            r"^img_in\.": "first.",
            r"^time_embed\.linear_1\.": "tmlp.0.",
            r"^time_embed\.linear_2\.": "tmlp.2.",
            r"^time_mod_proj\.": "tproj.1.",
            r"^txt_in\.norm\.weight": "txtmlp.0.scale",
            r"^txt_in\.linear_1\.": "txtmlp.1.",
            r"^txt_in\.linear_2\.": "txtmlp.3.",
            r"^text_fusion\.": "txtfusion.",
            r"^transformer_blocks\.": "blocks.",
            r"\.attn\.to_([qkv])\.": r".attn.w\1.",
            r"\.attn\.to_out\.0\.": ".attn.wo.",
            r"\.attn\.to_gate\.": ".attn.gate.",
            r"\.attn\.norm_([qk])\.weight": r".attn.qknorm.\1norm.scale",
            r"\.ff\.": ".mlp.",
            r"\.norm1\.weight": ".prenorm.scale",
            r"\.norm2\.weight": ".postnorm.scale",
            r"\.scale_shift_table": ".mod.lin",
        },
    )


LAYOUTS: Mapping[str, Callable[[Tensors], Tensors]] = {
    "z_image": z_image,
    "flux2_klein": flux2,
    "krea2": krea2,
    "qwen_image": dict,
}


def all_in_one(tensors: Tensors) -> Tensors:
    """Return a network's tensors as they stand in a file beside those of other parts."""
    more = {"vae.decoder.conv_in.weight": torch.zeros(2, 2)}
    return {**{f"model.diffusion_model.{name}": one for name, one in tensors.items()}, **more}


def in_float8(tensors: Tensors) -> Tensors:
    """Return all tensors in 8-bit floats as they are."""
    return {name: tensor.to(torch.float8_e4m3fn) for name, tensor in tensors.items()}


def matrices_in_float8(tensors: Tensors) -> Tensors:
    """Return matrices in 8-bit floats as they are, and vectors unchanged."""
    return {n: t.to(torch.float8_e4m3fn) if t.ndim > 1 else t for n, t in tensors.items()}


def in_scaled_float8(tensors: Tensors) -> Tensors:
    """Return matrices in 8-bit floats with scales, as ComfyUI writes them."""
    found: Tensors = {"scaled_fp8": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    for name, one in tensors.items():
        if one.ndim < 2 or not name.endswith(".weight"):
            found[name] = one
            continue
        scale = one.abs().max() / 448
        found[name] = (one / scale).to(torch.float8_e4m3fn)
        found[f"{name.removesuffix('.weight')}.scale_weight"] = scale.reshape(1)
    return found


def write(path: Path, tensors: Tensors) -> None:
    """Write a safetensors file."""
    save_file({name: one.contiguous() for name, one in tensors.items()}, path)


def as_read(tensors: Tensors) -> Tensors:
    """Return the numbers that tensors in 8-bit floats stand for, without their scales."""
    found: Tensors = {}
    for name, one in tensors.items():
        if name == "scaled_fp8" or name.endswith(".scale_weight"):
            continue
        scale = tensors.get(f"{name.removesuffix('.weight')}.scale_weight")
        found[name] = one.float() if scale is None else one.float() * scale
    return found


def quantized(tensors: Tensors, kind: str) -> Tensors:
    """Return the numbers that stand in a GGUF file."""
    wanted = gguf.GGMLQuantizationType[kind]
    numbers, _ = gguf.GGML_QUANT_SIZES[wanted]
    found: Tensors = {}
    for name, one in tensors.items():
        found[name] = one
        if one.ndim == 2 and one.shape[1] % numbers == 0:
            packed = gguf.quants.quantize(one.float().numpy(), wanted)
            found[name] = torch.from_numpy(gguf.quants.dequantize(packed, wanted).copy())
    return found


def write_gguf(path: Path, tensors: Tensors, kind: str = "Q8_0") -> None:
    """Write a GGUF file, whose matrices are quantized where their rows are long enough."""
    wanted = gguf.GGMLQuantizationType[kind]
    numbers, _ = gguf.GGML_QUANT_SIZES[wanted]
    writer: Any = gguf.GGUFWriter(path, "flux")
    writer.add_string("general.name", "tiny")
    writer.add_array("some.list", ["a", "b"])
    for name, one in tensors.items():
        values = one.float().numpy()
        if one.ndim == 2 and one.shape[1] % numbers == 0:
            writer.add_tensor(name, gguf.quants.quantize(values, wanted), raw_dtype=wanted)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
