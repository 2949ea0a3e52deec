"""FLUX.2 dev: cells of 16 pixels, 128 values each; the guidance is an input of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from diffusers.pipelines.flux2.pipeline_flux2 import (
    SYSTEM_MESSAGE,
    compute_empirical_mu,
    format_input,
)
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from engine.families.chat_texts import words_beyond
from engine.families.flow import FlowModel, as_cells, as_tokens, positions
from engine.families.guidance import EmbeddedGuidance
from engine.runtime.batching import Batch, Conditioning, Guidance, Text
from engine.runtime.devices import Device
from engine.runtime.patched_autoencoder import PatchedCodec
from engine.runtime.references import Reference
from engine.runtime.windows import Window

_MOST_TOKENS = 512
_TIME_BETWEEN = 10  # of one picture and the next, along the first axis of their tokens' places
_MOST_SHIFTING = 4300
"""Tokens of a window at which the formula of the shift ends; beyond it the shift falls abruptly."""


class LoadedModel(FlowModel):
    """A diffusers Flux2Pipeline."""

    NAME = "flux2"
    PIPELINE = "Flux2Pipeline"

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        self.codec = PatchedCodec(pipeline.vae, dtype=device.dtype)
        self.guidance: Guidance = EmbeddedGuidance()

    def encode(self, text: Text) -> Conditioning:
        """Return a text's embedding (1, T, D), of three layers of the encoder."""
        embedded, _ = self._pipeline.encode_prompt(
            text.prompt, device=self.network_device, max_sequence_length=_MOST_TOKENS
        )
        return {"encoder_hidden_states": embedded}

    def cut_off(self, text: Text) -> str:
        """Return the words behind the last token that the encoder sees."""
        tokenizer = self._pipeline.tokenizer
        # A processor of texts and pictures has the tokenizer inside.
        inner = getattr(tokenizer, "tokenizer", tokenizer)
        return words_beyond(inner, text.prompt, _MOST_TOKENS, self._rendered)

    def _rendered(self, prompt: str) -> str:
        (messages,) = format_input(prompts=[prompt], system_message=SYSTEM_MESSAGE)
        rendered: str = self._pipeline.tokenizer.apply_chat_template(messages, tokenize=False)
        return rendered

    def condition(self, encoded: Conditioning, window: Window, scale: float) -> Conditioning:
        """Return the text's embedding, and the guidance (1,) where the network takes it."""
        if not self._network.config.guidance_embeds:
            return encoded
        return {**encoded, "guidance": torch.tensor([scale], device=self.network_device)}

    def mu(self, tokens: int, steps: int, config: Mapping[str, Any]) -> float:
        """Return the logarithm of the shift, by the steps too."""
        return float(compute_empirical_mu(min(tokens, _MOST_SHIFTING), steps))

    def call(self, batch: Batch) -> Tensor:
        """Return the velocity; texts have a place along a fourth axis, their own."""
        count, _, height, width = batch.latents.shape
        shown = [one.values for one in batch.references]
        device, tokens = batch.latents.device, batch.conditioning["encoder_hidden_states"].shape[1]
        places, network = positions(height, width, device), self._network
        texts = torch.zeros((tokens, 4), device=device)
        texts[:, 3] = torch.arange(tokens, device=device)
        found = network(
            torch.cat([as_tokens(one) for one in (batch.latents, *shown)], 1).to(network.dtype),
            timestep=self._timestep(batch.timestep, count),
            img_ids=torch.cat([pad(places, (0, 1)), *_places_of(shown)]).expand(count, -1, -1),
            txt_ids=texts.expand(count, -1, -1),
            return_dict=False,
            **{"guidance": None, **batch.conditioning},
        )[0]
        return as_cells(found[:, : height * width].float(), height, width)

    def look_at(self, picture: Tensor, adapter: Any, *, on: torch.device) -> tuple[Tensor, Tensor]:
        """Return the latents of a picture, of a megapixel at most, twice: every pass sees them.

        Shapes: picture (1, 3, H, W), bytes, to (1, C, h, w).

        Source: diffusers' Flux2Pipeline.
        """
        processor = self._pipeline.image_processor
        image = Image.fromarray(picture[0].permute(1, 2, 0).contiguous().numpy())
        image = processor._resize_if_exceeds_area(image)
        width, height = (side // self.stride_px * self.stride_px for side in image.size)
        pixels = processor.preprocess(image, height=height, width=width, resize_mode="crop")
        reference = Reference(picture=pixels, height_px=height, width_px=width)
        latents = self.codec.encode(reference, torch.Generator(), on=on)
        return latents, latents


def _places_of(pictures: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the places of the tokens of reference pictures, (h·w, 4): each at a time of its own."""
    for number, latents in enumerate(pictures, start=1):
        _, _, height, width = latents.shape
        places = pad(positions(height, width, latents.device), (0, 1))
        places[:, 0] = number * _TIME_BETWEEN
        yield places
