"""Whole pipelines of real shapes with random weights, for the engine to take over; no download."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import diffusers
import torch
import transformers
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from tokenizers.pre_tokenizers import ByteLevel
from torch import nn

from benchmarks.performance.shapes import SDXL, filled, pipeline_of
from benchmarks.real_shapes import NETWORKS, QWEN3_4B

_SPECIAL = ("<|im_start|>", "<|im_end|>")
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
_KL16 = {"latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}

_CPU = torch.device("cpu")

Settings = Mapping[str, Any]
NONE: Settings = MappingProxyType({})


def letters() -> transformers.Qwen2Tokenizer:
    """Return a tokenizer of Qwen's kind that knows single bytes: the vocabulary is a download."""
    alphabet = {letter: i for i, letter in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = transformers.Qwen2Tokenizer(vocab=alphabet, merges=[], model_max_length=2048)
    tokenizer.add_special_tokens({"additional_special_tokens": list(_SPECIAL)})
    tokenizer.chat_template = _CHAT
    return tokenizer


def klein(
    dtype: torch.dtype,
    drawn_on: torch.device = _CPU,
    *,
    network: Settings = NONE,
    encoder: Settings = NONE,
    vae: Settings = NONE,
) -> Any:
    """Return a Flux2KleinPipeline of klein 4B's shape, but for what is set otherwise."""
    build = _Filler(dtype, drawn_on)
    return diffusers.Flux2KleinPipeline(
        scheduler=_flow(use_dynamic_shifting=True, shift=3.0),
        vae=build(lambda: diffusers.AutoencoderKLFlux2(**vae), torch.float32),
        text_encoder=build(lambda: _qwen3(transformers.Qwen3ForCausalLM, encoder)),
        tokenizer=letters(),
        transformer=build(
            lambda: diffusers.Flux2Transformer2DModel(**{**NETWORKS["klein_4b"][1], **network})
        ),
        is_distilled=True,
    )


def z_image(
    dtype: torch.dtype,
    drawn_on: torch.device = _CPU,
    *,
    network: Settings = NONE,
    encoder: Settings = NONE,
    vae: Settings = NONE,
) -> Any:
    """Return a ZImagePipeline of Z-Image Turbo's shape, but for what is set otherwise."""
    build = _Filler(dtype, drawn_on)
    kl = {**SDXL.vae, **_KL16, "scaling_factor": 0.3611, "shift_factor": 0.1159}
    return diffusers.ZImagePipeline(
        scheduler=_flow(shift=3.0),
        vae=build(lambda: diffusers.AutoencoderKL(**{**kl, **vae}), torch.float32),
        text_encoder=build(lambda: _qwen3(transformers.Qwen3Model, encoder)),
        tokenizer=letters(),
        transformer=build(
            lambda: diffusers.ZImageTransformer2DModel(**{**NETWORKS["z_image"][1], **network})
        ),
    )


def sdxl(dtype: torch.dtype, drawn_on: torch.device = _CPU) -> Any:
    """Return a StableDiffusionXLPipeline."""
    return pipeline_of(SDXL, device=_CPU, dtype=dtype, drawn_on=drawn_on)


REAL: Mapping[str, Callable[[torch.dtype, torch.device], Any]] = {
    "SDXL": sdxl,
    "FLUX.2 klein 4B": klein,
    "Z-Image Turbo": z_image,
}
"""Pipelines by the names of the models whose shapes they have, in the computer's memory.

Their random weights are drawn on a device, which a card does a hundred times as fast.
"""


class _Filler:
    """Builds parts without weights and fills them, in the computer's memory."""

    def __init__(self, dtype: torch.dtype, drawn_on: torch.device) -> None:
        self._dtype = dtype
        self._generator = torch.Generator(drawn_on).manual_seed(0)

    def __call__(self, build: Callable[[], nn.Module], dtype: torch.dtype | None = None) -> Any:
        with init_empty_weights(include_buffers=False):
            module = build()
        part: Any = filled(module, _CPU, dtype or self._dtype, self._generator)
        if hasattr(part, "tie_weights"):
            part.tie_weights()
        return part


def _qwen3(kind: Any, settings: Settings) -> Any:
    return kind(transformers.Qwen3Config(**{**QWEN3_4B, **settings}))


def _flow(**config: Any) -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(**config)
