"""Models of the real shapes, with random weights: built from configurations, nothing downloaded."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from engine.contract.catalogue import BUNDLED_FOLDER

_SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "skip_prk_steps": True,
    "steps_offset": 1,
}
_EULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The configurations of a Stable Diffusion model, of SDXL with a second text encoder."""

    name: str
    unet: Mapping[str, Any]
    vae: Mapping[str, Any]
    text: Mapping[str, Any]
    text_2: Mapping[str, Any] | None = None


SD15 = Shape(
    name="Stable Diffusion 1.5",
    unet={
        "sample_size": 64,
        "block_out_channels": (320, 640, 1280, 1280),
        "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        "layers_per_block": 2,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
    vae={
        "sample_size": 512,
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "latent_channels": 4,
    },
    text={
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "max_position_embeddings": 77,
        "vocab_size": 49408,
        "projection_dim": 768,
    },
)

SDXL = Shape(
    name="Stable Diffusion XL",
    unet={
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 2),
        "up_block_types": (*("CrossAttnUpBlock2D",) * 2, "UpBlock2D"),
        "layers_per_block": 2,
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
    vae={**SD15.vae, "sample_size": 1024, "scaling_factor": 0.13025},
    text=SD15.text,
    text_2={
        **SD15.text,
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_hidden_layers": 32,
        "num_attention_heads": 20,
        "projection_dim": 1280,
        "hidden_act": "gelu",
    },
)

TINY = Shape(
    name="tiny",
    unet={
        "sample_size": 8,
        "block_out_channels": (32, 64),
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "layers_per_block": 1,
        "cross_attention_dim": 32,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    },
    vae={
        "sample_size": 64,
        "block_out_channels": (16, 16, 16, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 8,
    },
    text={
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 40,
        "vocab_size": 2048,
        "projection_dim": 32,
    },
)

TINY_XL = Shape(
    name="tiny, of two text encoders",
    unet={
        **TINY.unet,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 64,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 6 * 8 + 32,
    },
    vae=TINY.vae,
    text=TINY.text,
    text_2=TINY.text,
)

SHAPES = {"sd15": SD15, "sdxl": SDXL, "tiny": TINY}


def pipeline_of(
    shape: Shape,
    *,
    device: torch.device,
    dtype: torch.dtype,
    seed: int = 0,
    drawn_on: torch.device | None = None,
) -> Any:
    """Return a whole pipeline of a shape; the autoencoder is in float32, as the engine wants it.

    Its weights are drawn on the device, or on another one.

    The tokenizer is the bundled model's: a text becomes other numbers than with the real
    vocabulary, and just as many.
    """
    generator = torch.Generator(drawn_on or device).manual_seed(seed)
    tokenizer = CLIPTokenizer.from_pretrained(
        BUNDLED_FOLDER / "tokenizer", model_max_length=shape.text["max_position_embeddings"]
    )

    def text_encoder(cls: type, text: Mapping[str, Any]) -> nn.Module:
        config = CLIPTextConfig(
            **text,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        with init_empty_weights(include_buffers=False):
            empty = cls(config)
        return filled(empty, device, dtype, generator)

    with init_empty_weights(include_buffers=False):
        unet = UNet2DConditionModel(**shape.unet)
        vae = AutoencoderKL(**shape.vae)
    parts = {
        "unet": filled(unet, device, dtype, generator),
        "vae": filled(vae, device, torch.float32, generator),
        "text_encoder": text_encoder(CLIPTextModel, shape.text),
        "tokenizer": tokenizer,
        "feature_extractor": None,
    }
    if shape.text_2 is not None:
        return StableDiffusionXLPipeline(
            **parts,
            text_encoder_2=text_encoder(CLIPTextModelWithProjection, shape.text_2),
            tokenizer_2=tokenizer,
            scheduler=EulerDiscreteScheduler(**_EULER),
            add_watermarker=False,
        )
    return StableDiffusionPipeline(
        **parts,
        scheduler=PNDMScheduler(**_SCHEDULER),
        safety_checker=None,
        requires_safety_checker=False,
    )


def copy_of(pipeline: StableDiffusionPipeline, *, dtype: torch.dtype) -> StableDiffusionPipeline:
    """Return a pipeline of the same weights in a precision, sharing the autoencoder alone.

    Its tensors are laid out as torch lays them out by itself, whatever the engine made of the
    first.
    """
    return StableDiffusionPipeline(
        unet=copy.deepcopy(pipeline.unet).to(dtype=dtype, memory_format=torch.contiguous_format),
        vae=pipeline.vae,
        text_encoder=copy.deepcopy(pipeline.text_encoder).to(dtype=dtype),
        tokenizer=pipeline.tokenizer,
        scheduler=pipeline.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def parameters_of(module: nn.Module) -> int:
    """Return how many parameters a module has."""
    return sum(parameter.numel() for parameter in module.parameters())


def filled(
    module: nn.Module, device: torch.device, dtype: torch.dtype, generator: torch.Generator
) -> nn.Module:
    """Give a module without weights random ones that keep activations of order one.

    They are drawn where the generator is, one tensor after the other.
    """
    for part in module.modules():
        is_norm = "Norm" in type(part).__name__
        for name, empty in part.named_parameters(recurse=False):
            weights = torch.empty(empty.shape, dtype=dtype, device=generator.device)
            if weights.dim() > 1:
                weights.normal_(0, 1 / math.sqrt(weights[0].numel()), generator=generator)
            else:
                weights.fill_(1 if is_norm and name == "weight" else 0)
            weights = weights.to(device)
            part.register_parameter(name, nn.Parameter(weights, requires_grad=False))
    return module.to(device).eval()
