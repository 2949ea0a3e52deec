"""Stable Diffusion 3: tokens of the picture beside those of a text, which three encoders see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.families.chat_texts import words_beyond
from engine.families.flow import FlowModel, summed
from engine.families.guidance import ClassifierFreeGuidance
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import Batch, Conditioning, Text
from engine.runtime.codec import Codec
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
        self.codec = KLCodec(pipeline.vae, dtype=device.dtype)
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
        latents = batch.latents.to(self._network.dtype)
        inputs = {"timestep": batch.timestep.expand(len(latents)), **batch.conditioning}
        held = self.held(batch, latents, inputs)
        found: Tensor = self._network(latents, return_dict=False, **inputs, **held)[0]
        return found.float()

    def complete(self, net: Any) -> Any:
        """Return a ControlNet with the network's own positions where it has none."""
        if net.pos_embed is None:
            own = net._get_pos_embed_from_transformer(self._network)
            net.pos_embed = own.to(device=self.network_device, dtype=self._network.dtype)
        return net

    def _hint_codec(self, net: Any) -> Codec:
        is_shifted = not net.config.force_zeros_for_pooled_projection
        return KLCodec(
            self._pipeline.vae, dtype=self.device.dtype, encoding="mode", is_shifted=is_shifted
        )

    def held(self, batch: Batch, latents: Tensor, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ControlNets add to the network's blocks; some see no text."""
        if not batch.controls:
            return {}
        found = []
        for control in batch.controls:
            own = dict(inputs)
            if control.net.config.force_zeros_for_pooled_projection:
                own["pooled_projections"] = torch.zeros_like(own["pooled_projections"])
            if control.net.config.joint_attention_dim is None:
                own["encoder_hidden_states"] = None
            found.append(
                control.net(
                    hidden_states=latents,
                    controlnet_cond=control.hints.to(latents.dtype),
                    conditioning_scale=control.scale,
                    return_dict=False,
                    **own,
                )[0]
            )
        blocks = len(self._network.transformer_blocks)
        return {"block_controlnet_hidden_states": summed(found, blocks)}
