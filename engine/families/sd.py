"""Stable Diffusion 1.x and 2.x: a UNet that sees text through cross-attention."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from engine.contract.job import Job
from engine.contract.prompt_syntax import PLAIN, WEIGHTS, WeightedPrompt, read_weights
from engine.families.adapters import following
from engine.families.base import Model
from engine.families.controlnets import residuals
from engine.families.guidance import ClassifierFreeGuidance, EmbeddedGuidance
from engine.families.schedules import Schedule, build_scheduler
from engine.families.weighted_prompts import WeightedEncoder, fits
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import Batch, Conditioning, Guidance, Text
from engine.runtime.devices import Device
from engine.runtime.windows import Window

_OPEN_CLIP = "cond_stage_model.model."
_EMBEDDED = "encoder_hidden_states"


def cleaned(prompt: str) -> str:
    """Return a prompt as the original gives it to the tokenizer."""
    return re.sub(" +", " ", prompt).replace("\n", " ")


class LoadedModel(Model):
    """A diffusers StableDiffusionPipeline."""

    NAME = "sd"
    PIPELINE = "StableDiffusionPipeline"
    UNUSED = {  # noqa: RUF012
        "safety_checker": None,
        "feature_extractor": None,
        "image_encoder": None,
        "requires_safety_checker": False,
    }

    @classmethod
    def single_file_config(cls, names: Collection[str]) -> str:
        """Return `sd2` for models whose text encoder is OpenCLIP's."""
        return "sd2" if any(name.startswith(_OPEN_CLIP) for name in names) else "sd1"

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        self.codec = KLCodec(pipeline.vae, dtype=device.dtype)
        self.guidance: Guidance = ClassifierFreeGuidance()
        if self._network.config.time_cond_proj_dim is not None:
            self.guidance = EmbeddedGuidance()

    def encode(self, text: Text) -> Conditioning:
        """Return a text's embedding (1, T, D); T is the tokenizer's length, or a multiple of it."""
        prompt = cleaned(text.prompt)
        if text.syntax == PLAIN:
            return self._encode_plain(prompt, is_negative=text.is_negative)
        read = read_weights(prompt)
        if read.is_plain and all(fits(tokenizer, read.first_words) for tokenizer, _ in self._clips):
            return self._encode_plain(read.first_words, is_negative=text.is_negative)
        return self._encode_weighted(read)

    @property
    def _clips(self) -> Sequence[tuple[Any, Any]]:
        """Tokenizers, each with its encoder."""
        return [(self._pipeline.tokenizer, self._pipeline.text_encoder)]

    def _encode_plain(self, prompt: str, *, is_negative: bool) -> Conditioning:
        embedded = self._pipeline.encode_prompt(
            prompt, self.network_device, 1, do_classifier_free_guidance=False
        )
        return {_EMBEDDED: embedded[0]}

    def _encode_weighted(self, prompt: WeightedPrompt) -> Conditioning:
        ((tokenizer, encoder),) = self._clips
        found = WeightedEncoder(tokenizer, encoder, self.network_device).embedded(prompt)
        return {_EMBEDDED: found}

    def cut_off(self, text: Text) -> str:
        """Return the words behind the last token that fits, of which one marks the end."""
        if text.syntax == WEIGHTS:
            return ""
        tokenizer = self._pipeline.tokenizer
        tokens = tokenizer(cleaned(text.prompt), verbose=False).input_ids
        words: str = tokenizer.decode(tokens[tokenizer.model_max_length - 1 : -1])
        return words.strip()

    def aligned(
        self, texts: Sequence[Text], encoded: Callable[[Text], Conditioning]
    ) -> Sequence[Conditioning]:
        """Return the texts' embeddings, shorter ones filled up as if nothing followed.

        The network sees both sides of a guidance in one call, and the same room for words in each.
        """
        found = super().aligned(texts, encoded)
        most = max(one[_EMBEDDED].shape[1] for one in found)

        def filled(text: Text, one: Conditioning) -> Conditioning:
            missing = most - one[_EMBEDDED].shape[1]
            if not missing:
                return one
            is_nothing = not cleaned(text.prompt).strip()
            blank = one if is_nothing else encoded(replace(text, prompt="", is_negative=False))
            filling = blank[_EMBEDDED].repeat(1, math.ceil(missing / blank[_EMBEDDED].shape[1]), 1)
            return {**one, _EMBEDDED: torch.cat([one[_EMBEDDED], filling[:, :missing]], dim=1)}

        return [filled(text, one) for text, one in zip(texts, found, strict=True)]

    def condition(self, encoded: Conditioning, window: Window, scale: float) -> Conditioning:
        """Return the text's embedding, and the guidance's (1, D) where the UNet takes it."""
        size = self._network.config.time_cond_proj_dim
        if size is None:
            return encoded
        scales = torch.tensor([scale - 1])
        embedded = self._pipeline.get_guidance_scale_embedding(scales, embedding_dim=size)
        return {**encoded, "timestep_cond": embedded.to(self.network_device, self._network.dtype)}

    def call(self, batch: Batch) -> Tensor:
        """Return the UNet's prediction: noise, or v."""
        latents = batch.latents.to(self._network.dtype)
        inputs = self._inputs(batch.conditioning)
        added = self.held(batch, latents, inputs)
        if batch.references:
            tokens = [one.values.to(latents.dtype) for one in batch.references]
            inputs[_EMBEDDED] = inputs[_EMBEDDED], tokens
        with following(self._network, batch.references):
            prediction: Tensor = self._network(
                latents, batch.timestep, **inputs, **added, return_dict=False
            )[0]
        return prediction.float()

    def look_at(self, picture: Tensor, adapter: Any, *, on: torch.device) -> tuple[Tensor, Tensor]:
        """Return an IP-Adapter's tokens of a picture, and those of none, (1, T, D) each."""
        tokens: tuple[Tensor, Tensor] = adapter.look_at(picture)
        return tokens

    def held(self, batch: Batch, latents: Tensor, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ControlNets add to the UNet's way down and to its middle."""
        if not batch.controls:
            return {}
        found = list(residuals(batch, latents, inputs))
        return {
            "down_block_additional_residuals": [
                torch.stack(same).sum(0) if len(same) > 1 else same[0]
                for same in zip(*(down for down, _ in found), strict=True)
            ],
            "mid_block_additional_residual": sum(middle for _, middle in found),
        }

    def _inputs(self, conditioning: Conditioning) -> dict[str, Any]:
        return dict(conditioning)

    def make_schedule(self, job: Job) -> Schedule:
        """Return the schedule of the scheduler that the job names, or of the model's own."""
        config = {
            **self._pipeline.scheduler.config,
            "_class_name": type(self._pipeline.scheduler).__name__,
        }
        return Schedule(build_scheduler(job.scheduler, config), job.num_inference_steps)
