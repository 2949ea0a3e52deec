"""The shapes of the models that people run, by their configurations; nothing is downloaded.

A setting that is not named is diffusers' own. Sources: the configurations of the models' pages, and
diffusers' scripts that convert the original weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import diffusers
import torch
import transformers
from torch import nn

from benchmarks.performance.shapes import SD15, SDXL

Built = Callable[[], nn.Module]

_KLEIN = {"num_layers": 5, "num_attention_heads": 24, "guidance_embeds": False}
_SD3 = {"sample_size": 128, "qk_norm": "rms_norm"}

NETWORKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sd": ("UNet2DConditionModel", SD15.unet),
    "sdxl": ("UNet2DConditionModel", SDXL.unet),
    "z_image": ("ZImageTransformer2DModel", {}),
    "klein_4b": (
        "Flux2Transformer2DModel",
        {**_KLEIN, "num_single_layers": 20, "joint_attention_dim": 7680},
    ),
    "klein_9b": (
        "Flux2Transformer2DModel",
        {
            **_KLEIN,
            "num_layers": 8,
            "num_single_layers": 24,
            "num_attention_heads": 32,
            "joint_attention_dim": 12288,
        },
    ),
    "flux2": ("Flux2Transformer2DModel", {}),
    "flux": ("FluxTransformer2DModel", {"guidance_embeds": True}),
    "qwen_image": ("QwenImageTransformer2DModel", {}),
    "sd3_medium": (
        "SD3Transformer2DModel",
        {
            **_SD3,
            "num_layers": 24,
            "num_attention_heads": 24,
            "caption_projection_dim": 1536,
            "pos_embed_max_size": 384,
            "dual_attention_layers": tuple(range(13)),
        },
    ),
    "sd3_large": (
        "SD3Transformer2DModel",
        {
            **_SD3,
            "num_layers": 38,
            "num_attention_heads": 38,
            "caption_projection_dim": 2432,
            "pos_embed_max_size": 192,
        },
    ),
    "krea2": ("Krea2Transformer2DModel", {}),
}
"""diffusers' class of a network, and its settings."""

SEEN_TEXTS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "sd": {"encoder_hidden_states": (77, 768)},
    "sdxl": {"encoder_hidden_states": (77, 2048), "text_embeds": (1280,), "time_ids": (6,)},
    "z_image": {"cap_feats": (512, 2560)},
    "klein_4b": {"encoder_hidden_states": (512, 7680)},
    "klein_9b": {"encoder_hidden_states": (512, 12288)},
    "flux2": {"encoder_hidden_states": (512, 15360), "guidance": ()},
    "flux": {
        "encoder_hidden_states": (512, 4096),
        "pooled_projections": (768,),
        "guidance": (),
    },
    "qwen_image": {"encoder_hidden_states": (512, 3584)},
    "sd3_medium": {"encoder_hidden_states": (333, 4096), "pooled_projections": (2048,)},
    "sd3_large": {"encoder_hidden_states": (333, 4096), "pooled_projections": (2048,)},
    "krea2": {"encoder_hidden_states": (512, 12, 2560), "encoder_attention_mask": (512,)},
}
"""What a network sees of a text at the longest, by name, without its batch."""

QWEN3_4B = {
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}
_QWEN3_8B = {
    **QWEN3_4B,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "tie_word_embeddings": False,
}


def _clip(text: Mapping[str, Any], kind: str = "CLIPTextModel") -> Built:
    return lambda: getattr(transformers, kind)(transformers.CLIPTextConfig(**text))


def _qwen3(settings: Mapping[str, Any], kind: str) -> Built:
    return lambda: getattr(transformers, kind)(transformers.Qwen3Config(**settings))


def _t5() -> nn.Module:
    settings = {"vocab_size": 32128, "d_model": 4096, "d_ff": 10240, "d_kv": 64, "num_heads": 64}
    config = transformers.T5Config(**settings, num_layers=24, feed_forward_proj="gated-gelu")
    return transformers.T5EncoderModel(config)


def _qwen2_5_vl() -> nn.Module:
    text = {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
    }
    rope = {"mrope_section": [16, 24, 24], "rope_type": "default", "type": "default"}
    vision = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16}
    config = transformers.Qwen2_5_VLConfig(
        text_config={**text, "rope_scaling": rope},
        vision_config={**vision, "out_hidden_size": 3584},
    )
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


def _qwen3_vl() -> nn.Module:
    vision = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16}
    config = transformers.Qwen3VLConfig(
        text_config=QWEN3_4B, vision_config={**vision, "out_hidden_size": 2560}
    )
    return transformers.Qwen3VLModel(config)


def _mistral3() -> nn.Module:
    text = {
        "model_type": "mistral",
        "hidden_size": 5120,
        "intermediate_size": 32768,
        "num_hidden_layers": 40,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 131072,
    }
    return transformers.Mistral3ForConditionalGeneration(
        transformers.Mistral3Config(text_config=text, tie_word_embeddings=False)
    )


_OPEN_CLIP_H = {
    **SD15.text,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
}
_CLIP_G = SDXL.text_2 or {}

ENCODERS: Mapping[str, Built] = {
    "clip_l": _clip(SD15.text),
    "clip_h": _clip(_OPEN_CLIP_H),
    "clip_g": _clip(_CLIP_G, "CLIPTextModelWithProjection"),
    "t5_xxl": _t5,
    "qwen3_4b": _qwen3(QWEN3_4B, "Qwen3Model"),
    "qwen3_4b_lm": _qwen3(QWEN3_4B, "Qwen3ForCausalLM"),
    "qwen3_8b_lm": _qwen3(_QWEN3_8B, "Qwen3ForCausalLM"),
    "qwen2_5_vl_7b": _qwen2_5_vl,
    "qwen3_vl_4b": _qwen3_vl,
    "mistral_24b": _mistral3,
}
"""Encoders of texts, by the names that the catalogue's footprints have for them."""

_KL = {**SD15.vae, "sample_size": 1024}
_KL16 = {**_KL, "latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}

AUTOENCODERS: Mapping[str, Built] = {
    "kl_4": lambda: diffusers.AutoencoderKL(**_KL),
    "kl_16": lambda: diffusers.AutoencoderKL(**_KL16),
    "flux2": lambda: diffusers.AutoencoderKLFlux2(),
    "qwen_image": lambda: diffusers.AutoencoderKLQwenImage(),
}


def network(name: str) -> nn.Module:
    """Return a network of a real shape, where torch's default device is."""
    kind, settings = NETWORKS[name]
    built: nn.Module = getattr(diffusers, kind)(**settings)
    return built


def numbers_of(module: nn.Module) -> int:
    """Return how many numbers a part of a model has in its files."""
    tied = {t.data_ptr() or id(t): t.numel() for t in module.state_dict(keep_vars=True).values()}
    return sum(tied.values())


def on_meta(build: Built) -> nn.Module:
    """Return a part of a model without any numbers."""
    with torch.device("meta"):
        return build().eval().requires_grad_(False)
