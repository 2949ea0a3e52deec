"""Stable Diffusion 3: tokens of the picture beside those of a text, which three encoders see."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from engine.families.chat_texts import words_beyond
from engine.families.flow import FlowModel
from engine.families.guidance import ClassifierFreeGuidance
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import Batch, Conditioning, Text
from engine.runtime.devices import Device

_MOST_TOKENS = 256


class LoadedModel(FlowModel):
    """A diffusers StableDiffusion3Pipeline."""

    NAME = "sd3"
    PIPELINE = "StableDiffusion3Pipeline"
    UNUSED = {"feature_extractor": None, "image_encoder": None}  # noqa: RUF012
    EVEN_LEVELS = False

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        self.codec = KLCodec(pipeline.vae)
        self.guidance = ClassifierFreeGuidance()

    def encode(self, text: Text) -> Conditioning:
        """Return a text's embeddings, (1, T, D) of all encoders and (1, D) pooled."""
        embedded, _, pooled, _ = self._pipeline.encode_prompt(
            text.prompt,
            prompt_2=None,
            prompt_3=None,
            device=self.network_device,
            do_classifier_free_guidance=False,
            max_sequence_length=_MOST_TOKENS,
        )
        return {"encoder_hidden_states": embedded, "pooled_projections": pooled}

    def cut_off(self, text: Text) -> str:
        """Return the words behind the last token that T5 sees, of which one marks the end."""
        return words_beyond(self._pipeline.tokenizer_3, text.prompt, _MOST_TOKENS - 1)

    def call(self, batch: Batch) -> Tensor:
        """Return the velocity; the network finds each token's place by the window's size."""
        found: Tensor = self._network(
            batch.latents.to(self._network.dtype),
            timestep=batch.timestep.expand(len(batch.latents)),
            return_dict=False,
            **batch.conditioning,
        )[0]
        return found.float()
