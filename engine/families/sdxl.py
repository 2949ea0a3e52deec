"""Stable Diffusion XL: a UNet that sees two encodings of a text, and the size of its picture."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import torch
from diffusers import EulerDiscreteScheduler

from engine.contract.prompt_syntax import WeightedPrompt
from engine.families import sd
from engine.families.weighted_prompts import WeightedEncoder, side_by_side
from engine.runtime.batching import Conditioning
from engine.runtime.windows import Window

_ADDED = ("text_embeds", "time_ids")


class LoadedModel(sd.LoadedModel):
    """A diffusers StableDiffusionXLPipeline."""

    NAME = "sdxl"
    PIPELINE = "StableDiffusionXLPipeline"
    UNUSED = {  # noqa: RUF012
        "feature_extractor": None,
        "image_encoder": None,
        "add_watermarker": False,
    }

    @classmethod
    def single_file_config(cls, names: Collection[str]) -> str:
        """Return the base model's, which its descendants share."""
        return "sdxl"

    @classmethod
    def adjust_single_file(cls, pipeline: Any, names: Collection[str]) -> None:
        """Have a model that says so predict v, from a start without any signal."""
        if "v_pred" in names:
            pipeline.scheduler = EulerDiscreteScheduler.from_config(
                pipeline.scheduler.config,
                prediction_type="v_prediction",
                rescale_betas_zero_snr="ztsnr" in names,
                timestep_spacing="trailing",
            )

    @property
    def _clips(self) -> Sequence[tuple[Any, Any]]:
        pipeline = self._pipeline
        return [
            (pipeline.tokenizer, pipeline.text_encoder),
            (pipeline.tokenizer_2, pipeline.text_encoder_2),
        ]

    def _encode_plain(self, prompt: str, *, is_negative: bool) -> Conditioning:
        """Return a text's embeddings, (1, T, D) of both encoders and (1, D) pooled.

        Like diffusers' pipeline, nothing to avoid is zeros where the model was trained so.
        """
        embedded, _, pooled, _ = self._pipeline.encode_prompt(
            prompt, device=self.network_device, do_classifier_free_guidance=False
        )
        is_nothing = is_negative and not prompt
        if is_nothing and self._pipeline.config.force_zeros_for_empty_prompt:
            embedded, pooled = torch.zeros_like(embedded), torch.zeros_like(pooled)
        return {"encoder_hidden_states": embedded, "text_embeds": pooled}

    def _encode_weighted(self, prompt: WeightedPrompt) -> Conditioning:
        """Return a text's embeddings; the pooled one is of its beginning, and knows no weights."""
        first, second = (
            WeightedEncoder(tokenizer, encoder, self.network_device, penultimate=True)
            for tokenizer, encoder in self._clips
        )
        embedded = side_by_side([first, second], prompt)
        return {"encoder_hidden_states": embedded, "text_embeds": second.pooled(prompt)}

    def condition(self, encoded: Conditioning, window: Window, scale: float) -> Conditioning:
        """Return a text's embeddings, and the window's size as the picture's, uncropped (1, 6).

        Its original size is at least the model's own: small ones stand for blurred pictures.
        """
        height, width = (side * self.stride_px for side in (window.height, window.width))
        cells = self._network.config.sample_size
        native_px = cells * self.stride_px if cells else self.family.native_px
        enlarged = max(1.0, native_px / math.sqrt(height * width))
        original = (round(height * enlarged), round(width * enlarged))
        sizes = torch.tensor([(*original, 0, 0, height, width)], dtype=self._network.dtype)
        return {
            **super().condition(encoded, window, scale),
            "time_ids": sizes.to(self.network_device),
        }

    def _inputs(self, conditioning: Conditioning) -> dict[str, Any]:
        added = {name: conditioning[name] for name in _ADDED}
        others = {name: t for name, t in conditioning.items() if name not in _ADDED}
        return {**others, "added_cond_kwargs": added}
