"""Small models of random weights of the families that predict velocities, built offline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

from tests.engine.tiny_models import scatter

_SPECIAL = ("<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|vision_start|>")
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def letters() -> Qwen2Tokenizer:
    """Return a tokenizer of Qwen's kind that knows single bytes, and a template of chats."""
    alphabet = {letter: i for i, letter in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = Qwen2Tokenizer(vocab=alphabet, merges=[], model_max_length=2048)
    tokenizer.add_special_tokens({"additional_special_tokens": list(_SPECIAL)})
    tokenizer.chat_template = _CHAT
    return tokenizer


def autoencoder(channels: int, scaling_factor: float, shift_factor: float) -> Any:
    """Return an AutoencoderKL of stride 8."""
    return diffusers.AutoencoderKL(
        block_out_channels=(8,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=channels,
        scaling_factor=scaling_factor,
        shift_factor=shift_factor,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def qwen3(words: int, kind: Any = Qwen3Model) -> Any:
    """Return a language model of four layers."""
    return kind(
        Qwen3Config(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            vocab_size=words,
            max_position_embeddings=2048,
        )
    )


def flow(**config: Any) -> diffusers.FlowMatchEulerDiscreteScheduler:
    """Return the scheduler of all of them."""
    return diffusers.FlowMatchEulerDiscreteScheduler(**config)


def ready(pipeline: Any, *, scattered: tuple[str, ...]) -> Any:
    """Return a pipeline with weights by which texts count, and quiet."""
    scatter(*(getattr(pipeline, part) for part in scattered))
    pipeline.vae.eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def z_image(shift: float = 6.0) -> Any:
    """Return a ZImagePipeline."""
    torch.manual_seed(0)
    tokenizer = letters()
    pipeline = diffusers.ZImagePipeline(
        scheduler=flow(shift=shift),
        vae=autoencoder(16, 0.3611, 0.1159),
        text_encoder=qwen3(len(tokenizer)),
        tokenizer=tokenizer,
        transformer=diffusers.ZImageTransformer2DModel(
            in_channels=16,
            dim=32,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=16,
            axes_dims=[8, 4, 4],
            axes_lens=[1024, 64, 64],
        ),
    )
    return ready(pipeline, scattered=("text_encoder", "transformer"))


BUILDERS: dict[str, Callable[[], Any]] = {"z_image": z_image}
"""A small model of each family, by the family's name."""
