"""FLUX.1: tokens of the picture beside those of a text; the guidance is an input of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.contract.controlnets import FLUX_MODES
from engine.families.chat_texts import words_beyond
from engine.families.flow import FlowModel, packed, positions, summed, unpacked
from engine.families.guidance import EmbeddedGuidance
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import Batch, Conditioning, Text
from engine.runtime.controls import Held, Hint, pixels_seen
from engine.runtime.devices import Device
from engine.runtime.references import Reference
from engine.runtime.windows import Window

_GUIDANCE = 3.5  # dev's own, for ControlNets of dev beside a network that takes none


class LoadedModel(FlowModel):
    """A diffusers FluxPipeline: dev and its kin, or schnell, which takes no guidance."""

    NAME = "flux"
    PIPELINE = "FluxPipeline"
    UNUSED = {"feature_extractor": None, "image_encoder": None}  # noqa: RUF012

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        self.codec = KLCodec(pipeline.vae, dtype=device.dtype)
        self.guidance = EmbeddedGuidance()
        self._takes_guidance = bool(self._network.config.guidance_embeds)
        self._most_tokens = 512 if self._takes_guidance else 256

    def encode(self, text: Text) -> Conditioning:
        """Return a text's embeddings: (1, T, D) of T5, and (1, D) pooled of CLIP."""
        embedded, pooled, _ = self._pipeline.encode_prompt(
            text.prompt,
            device=self.network_device,
            max_sequence_length=self._most_tokens,
        )
        return {"encoder_hidden_states": embedded, "pooled_projections": pooled}

    def cut_off(self, text: Text) -> str:
        """Return the words behind the last token that T5 sees, of which one marks the end."""
        return words_beyond(self._pipeline.tokenizer_2, text.prompt, self._most_tokens - 1)

    def condition(self, encoded: Conditioning, window: Window, scale: float) -> Conditioning:
        """Return the text's embeddings, and the guidance (1,) where the network takes it."""
        if not self._takes_guidance:
            return encoded
        return {**encoded, "guidance": torch.tensor([scale], device=self.network_device)}

    def call(self, batch: Batch) -> Tensor:
        """Return the velocity; all windows of a call are of one size, and so are their places."""
        count, _, height, width = batch.latents.shape
        device, tokens = batch.latents.device, batch.conditioning["encoder_hidden_states"].shape[1]
        latents = packed(batch.latents).to(self._network.dtype)
        inputs = {
            "timestep": self._timestep(batch.timestep, count),
            "img_ids": positions(height // 2, width // 2, device),
            "txt_ids": torch.zeros((tokens, 3), device=device),
            "guidance": None,
            **batch.conditioning,
        }
        held = self.held(batch, latents, inputs)
        found = self._network(latents, return_dict=False, **inputs, **held)[0]
        return unpacked(found.float(), height, width)

    def hint(self, picture: Reference, net: Any, *, on: torch.device) -> Hint:
        """Return a picture's latents; pixels from -1 to 1 for ControlNets that encode them."""
        if net.input_hint_block is not None:
            return pixels_seen(picture, least=-1)
        return super().hint(picture, net, on=on)

    def held(self, batch: Batch, latents: Tensor, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ControlNets add to the network's double and single blocks."""
        if not batch.controls:
            return {}
        doubles, singles = zip(
            *(self._held_by(control, latents, inputs) for control in batch.controls), strict=True
        )
        own = self._network
        return {
            "controlnet_block_samples": summed(doubles, len(own.transformer_blocks)),
            "controlnet_single_block_samples": summed(singles, len(own.single_transformer_blocks)),
            "controlnet_blocks_repeat": batch.controls[0].net.input_hint_block is not None,
        }

    def _held_by(self, control: Held, latents: Tensor, inputs: Mapping[str, Any]) -> Any:
        net, count = control.net, len(latents)
        hints = control.hints.to(latents.dtype)
        given = {**inputs, "guidance": None}
        if net.config.guidance_embeds:
            device = latents.device
            own = inputs["guidance"]
            given["guidance"] = (
                torch.full((count,), _GUIDANCE, device=device) if own is None else own
            )
        if net.union:
            mode = FLUX_MODES[control.kind]
            given["controlnet_mode"] = torch.full((count, 1), mode, device=latents.device)
        return net(
            hidden_states=latents,
            controlnet_cond=hints if net.input_hint_block is not None else packed(hints),
            conditioning_scale=control.scale,
            return_dict=False,
            **given,
        )
