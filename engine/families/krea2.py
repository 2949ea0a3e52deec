"""Krea 2: one stream of tokens, of a picture and of a text as many layers of an encoder see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.families.chat_texts import words_beyond
from engine.families.flow import FlowModel, packed, positions, unpacked
from engine.families.guidance import ClassifierFreeGuidance
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import Batch, Conditioning, Text
from engine.runtime.devices import Device
from engine.runtime.one_frame import OneFrame

_MOST_TOKENS = 512
_DISTILLED_MU = 1.15
_DEFAULTS = {"max_image_seq_len": 6400}


class LoadedModel(FlowModel):
    """A diffusers Krea2Pipeline.

    Its own guidance counts from 0, ours from 1: its 3.5 is our 4.5, and its 0 is our 1.
    """

    NAME = "krea2"
    PIPELINE = "Krea2Pipeline"

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        self.codec = KLCodec(OneFrame(pipeline.vae), dtype=device.dtype)
        self.guidance = ClassifierFreeGuidance()

    def encode(self, text: Text) -> Conditioning:
        """Return a text's embeddings (1, T, layers, D), and which tokens count (1, T)."""
        embedded, counts = self._pipeline.encode_prompt(
            text.prompt, self.network_device, max_sequence_length=_MOST_TOKENS
        )
        return {"encoder_hidden_states": embedded, "encoder_attention_mask": counts}

    def cut_off(self, text: Text) -> str:
        """Return the words behind the last token that the encoder sees."""
        pipeline = self._pipeline
        prefix = pipeline.prompt_template_encode_prefix
        most = _MOST_TOKENS + pipeline.prompt_template_encode_start_idx
        most -= pipeline.prompt_template_encode_num_suffix_tokens
        return words_beyond(pipeline.tokenizer, text.prompt, most, lambda prompt: prefix + prompt)

    def mu(self, tokens: int, steps: int, config: Mapping[str, Any]) -> float:
        """Return the logarithm of the shift, a constant of models of few steps."""
        if self._pipeline.config.is_distilled:
            return _DISTILLED_MU
        return super().mu(tokens, steps, {**_DEFAULTS, **config})

    def call(self, batch: Batch) -> Tensor:
        """Return the velocity; all tokens of a text stand where a window begins."""
        count, _, height, width = batch.latents.shape
        device, tokens = batch.latents.device, batch.conditioning["encoder_hidden_states"].shape[1]
        places = positions(height // 2, width // 2, device)
        found = self._network(
            packed(batch.latents).to(self._network.dtype),
            timestep=self._timestep(batch.timestep, count),
            position_ids=torch.cat([torch.zeros((tokens, 3), device=device), places]),
            return_dict=False,
            **batch.conditioning,
        )[0]
        return unpacked(found.float(), height, width)
