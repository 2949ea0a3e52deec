"""Small models of random weights of the families that predict velocities, built offline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    Qwen3VLConfig,
    Qwen3VLModel,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

from tests.engine.conftest import TINY_SD
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


def qwen3(words: int, kind: Any = Qwen3Model, layers: int = 4) -> Any:
    """Return a language model."""
    return kind(
        Qwen3Config(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=layers,
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


def clip(words: int, kind: Any) -> Any:
    """Return a text encoder of CLIP's kind, of two layers."""
    return kind(
        CLIPTextConfig(
            hidden_size=32,
            intermediate_size=37,
            num_attention_heads=4,
            num_hidden_layers=2,
            vocab_size=words,
            projection_dim=32,
            max_position_embeddings=77,
            bos_token_id=words - 2,
            eos_token_id=words - 1,
            pad_token_id=words - 1,
        )
    )


def t5(words: int, width: int) -> Any:
    """Return a text encoder of T5's kind, of two layers."""
    return T5EncoderModel(
        T5Config(
            vocab_size=words,
            d_model=width,
            d_ff=37,
            d_kv=8,
            num_heads=4,
            num_layers=2,
            feed_forward_proj="gated-gelu",
        )
    )


def pieces() -> T5TokenizerFast:
    """Return a tokenizer of T5's kind that knows single letters."""
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    vocabulary += [(chr(letter), -3.0) for letter in range(33, 127)]
    return T5TokenizerFast(vocab=vocabulary, extra_ids=0)


def flux(*, dev: bool = True) -> Any:
    """Return a FluxPipeline: of dev's kind, or of schnell's."""
    torch.manual_seed(0)
    tokenizer, tokenizer_2 = CLIPTokenizer.from_pretrained(TINY_SD / "tokenizer"), pieces()
    pipeline = diffusers.FluxPipeline(
        scheduler=flow(use_dynamic_shifting=dev, shift=3.0 if dev else 1.0),
        vae=autoencoder(16, 0.3611, 0.1159),
        text_encoder=clip(len(tokenizer), CLIPTextModel),
        tokenizer=tokenizer,
        text_encoder_2=t5(len(tokenizer_2), 32),
        tokenizer_2=tokenizer_2,
        transformer=diffusers.FluxTransformer2DModel(
            in_channels=64,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 6, 6),
            guidance_embeds=dev,
        ),
    )
    return ready(pipeline, scattered=("text_encoder", "text_encoder_2", "transformer"))


def sd3() -> Any:
    """Return a StableDiffusion3Pipeline."""
    torch.manual_seed(0)
    tokenizer, tokenizer_3 = CLIPTokenizer.from_pretrained(TINY_SD / "tokenizer"), pieces()
    pipeline = diffusers.StableDiffusion3Pipeline(
        scheduler=flow(shift=3.0),
        vae=autoencoder(16, 1.5305, 0.0609),
        text_encoder=clip(len(tokenizer), CLIPTextModelWithProjection),
        tokenizer=tokenizer,
        text_encoder_2=clip(len(tokenizer), CLIPTextModelWithProjection),
        tokenizer_2=tokenizer,
        text_encoder_3=t5(len(tokenizer_3), 64),
        tokenizer_3=tokenizer_3,
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_projection_dim=32,
            joint_attention_dim=64,
            pooled_projection_dim=64,
            pos_embed_max_size=24,
            qk_norm="rms_norm",
        ),
    )
    encoders = ("text_encoder", "text_encoder_2", "text_encoder_3")
    return ready(pipeline, scattered=(*encoders, "transformer"))


def _flux2(tokenizer: Any, layers: int, kind: Any, guidance: bool, **settings: Any) -> Any:
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLFlux2(
        block_out_channels=(8,) * 4, layers_per_block=1, latent_channels=32, norm_num_groups=4
    )
    generator = torch.Generator().manual_seed(2)
    vae.bn.running_mean.copy_(torch.randn(128, generator=generator))
    vae.bn.running_var.copy_(torch.rand(128, generator=generator) + 0.5)
    pipeline = kind(
        scheduler=flow(use_dynamic_shifting=True, shift=3.0),
        vae=vae,
        text_encoder=qwen3(len(tokenizer), Qwen3ForCausalLM, layers),
        tokenizer=tokenizer,
        transformer=diffusers.Flux2Transformer2DModel(
            in_channels=128,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=guidance,
        ),
        **settings,
    )
    return ready(pipeline, scattered=("text_encoder", "transformer"))


def flux2_klein(*, distilled: bool = False) -> Any:
    """Return a Flux2KleinPipeline: of a base model's kind, or of a distilled one's."""
    pipeline = diffusers.Flux2KleinPipeline
    return _flux2(letters(), 28, pipeline, guidance=False, is_distilled=distilled)


def flux2() -> Any:
    """Return a Flux2Pipeline, whose encoder and processor stand in for larger ones' kinds."""
    tokenizer = letters()
    tokenizer.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message['content'][0]['text'] }}<|im_end|>"
        "{% endfor %}"
    )
    return _flux2(tokenizer, 31, diffusers.Flux2Pipeline, guidance=True)


def _video_autoencoder() -> Any:
    return diffusers.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=16,
        dim_mult=[1, 2, 2, 2],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.1 * i for i in range(16)],
        latents_std=[2.0 + 0.1 * i for i in range(16)],
    )


_LANGUAGE = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
_VISION = {"depth": 1, "hidden_size": 16, "num_heads": 2, "out_hidden_size": 16}


def qwen_image() -> Any:
    """Return a QwenImagePipeline."""
    torch.manual_seed(0)
    tokenizer = letters()
    rope = {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"}
    language = {**_LANGUAGE, "rope_scaling": rope, "vocab_size": len(tokenizer)}
    config = Qwen2_5_VLConfig(text_config=language, vision_config=_VISION)
    pipeline = diffusers.QwenImagePipeline(
        scheduler=flow(
            use_dynamic_shifting=True, max_shift=0.9, max_image_seq_len=8192, shift_terminal=0.02
        ),
        vae=_video_autoencoder(),
        text_encoder=Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=tokenizer,
        transformer=diffusers.QwenImageTransformer2DModel(
            in_channels=64,
            out_channels=16,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    )
    return ready(pipeline, scattered=("text_encoder", "transformer"))


def krea2(*, distilled: bool = False) -> Any:
    """Return a Krea2Pipeline: of the raw model's kind, or of the distilled one's."""
    torch.manual_seed(0)
    tokenizer = letters()
    language = {**_LANGUAGE, "head_dim": 8, "vocab_size": len(tokenizer)}
    config = Qwen3VLConfig(text_config=language, vision_config=_VISION)
    pipeline = diffusers.Krea2Pipeline(
        scheduler=flow(use_dynamic_shifting=True, max_image_seq_len=6400),
        vae=_video_autoencoder(),
        text_encoder=Qwen3VLModel(config),
        tokenizer=tokenizer,
        transformer=diffusers.Krea2Transformer2DModel(
            in_channels=64,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=32,
            timestep_embed_dim=8,
            text_hidden_dim=16,
            num_text_layers=3,
            text_num_attention_heads=2,
            text_num_key_value_heads=1,
            text_intermediate_size=16,
            num_layerwise_text_blocks=1,
            num_refiner_text_blocks=1,
            axes_dims_rope=(4, 2, 2),
        ),
        text_encoder_select_layers=(0, 1, 2),
        is_distilled=distilled,
    )
    return ready(pipeline, scattered=("text_encoder", "transformer"))


BUILDERS: dict[str, Callable[[], Any]] = {
    "z_image": z_image,
    "flux2_klein": flux2_klein,
    "flux2": flux2,
    "flux": flux,
    "qwen_image": qwen_image,
    "sd3": sd3,
    "krea2": krea2,
}
"""A small model of each family, by the family's name."""
