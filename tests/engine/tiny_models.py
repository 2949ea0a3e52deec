"""Small models of random weights of every family, with real strides and channels."""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from tests.engine.conftest import TINY_SD

_SPREAD = 0.2  # a fresh model's weights are so small that texts hardly count
_HIDDEN = (32, 48)  # of the two text encoders, by which a single file tells them apart


def tiny_sdxl(**unet: Any) -> Any:
    """Return a StableDiffusionXLPipeline; a UNet of 64 × 64 pixels, and an autoencoder of 8."""
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(TINY_SD / "tokenizer")
    first, second = (
        CLIPTextConfig(
            hidden_size=hidden,
            intermediate_size=37,
            num_attention_heads=4,
            num_hidden_layers=3,
            vocab_size=len(tokenizer),
            projection_dim=hidden,
            max_position_embeddings=77,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        for hidden in _HIDDEN
    )
    config: dict[str, Any] = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": (2, 4),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "transformer_layers_per_block": (1, 1),
        "projection_class_embeddings_input_dim": 6 * 8 + _HIDDEN[1],
        "cross_attention_dim": sum(_HIDDEN),
        "norm_num_groups": 4,
    }
    pipeline = diffusers.StableDiffusionXLPipeline(
        vae=diffusers.AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            layers_per_block=1,
            norm_num_groups=4,
            latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            scaling_factor=0.13025,
        ),
        text_encoder=CLIPTextModel(first),
        text_encoder_2=CLIPTextModelWithProjection(second),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=diffusers.UNet2DConditionModel(**{**config, **unet}),
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            timestep_spacing="leading",
        ),
        add_watermarker=False,
    )
    scatter(pipeline.text_encoder, pipeline.text_encoder_2, pipeline.unet)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def scatter(*modules: torch.nn.Module) -> None:
    """Give modules weights so large that texts count."""
    generator = torch.Generator().manual_seed(1)
    for module in modules:
        module.eval()
        for parameter in module.parameters():
            values = torch.randn(parameter.shape, generator=generator)
            parameter.data.copy_(values * _SPREAD)
