"""Qwen-Image: tokens of the picture beside those of a text, and an autoencoder for videos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from engine.families.chat_texts import words_beyond
from engine.families.flow import FlowModel, packed, summed, unpacked
from engine.families.guidance import RescaledGuidance
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import Batch, Conditioning, Text
from engine.runtime.codec import Codec
from engine.runtime.devices import Device
from engine.runtime.one_frame import OneFrame

_MOST_TOKENS = 512


class LoadedModel(FlowModel):
    """A diffusers QwenImagePipeline; our guidance is its `true_cfg_scale`."""

    NAME = "qwen_image"
    PIPELINE = "QwenImagePipeline"

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        self.codec = KLCodec(OneFrame(pipeline.vae), dtype=device.dtype)
        self.guidance = RescaledGuidance()

    def encode(self, text: Text) -> Conditioning:
        """Return a text's embedding (1, T, D), as long as the text is."""
        embedded, _ = self._pipeline.encode_prompt(
            text.prompt, self.network_device, max_sequence_length=_MOST_TOKENS
        )
        return {"encoder_hidden_states": embedded}

    def cut_off(self, text: Text) -> str:
        """Return the words behind the last token that the network sees."""
        pipeline = self._pipeline
        most = _MOST_TOKENS + pipeline.prompt_template_encode_start_idx
        template = pipeline.prompt_template_encode
        return words_beyond(pipeline.tokenizer, text.prompt, most, template.format)

    def call(self, batch: Batch) -> Tensor:
        """Return the velocity; the network finds each token's place by the window's size."""
        count, _, height, width = batch.latents.shape
        latents = packed(batch.latents).to(self._network.dtype)
        inputs = {
            "timestep": self._timestep(batch.timestep, count),
            "img_shapes": [[(1, height // 2, width // 2)]] * count,
            "encoder_hidden_states_mask": None,
            **batch.conditioning,
        }
        held = self.held(batch, latents, inputs)
        found = self._network(latents, guidance=None, return_dict=False, **inputs, **held)[0]
        return unpacked(found.float(), height, width)

    def _hint_codec(self, net: Any) -> Codec:
        return KLCodec(OneFrame(self._pipeline.vae), dtype=self.device.dtype, encoding="mode")

    def held(self, batch: Batch, latents: Tensor, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ControlNets add to the network's blocks.

        diffusers' pipeline gives the negative prompt's pass what they say to the prompt; here each
        pass has its own text's.
        """
        if not batch.controls:
            return {}
        found = [
            control.net(
                hidden_states=latents,
                controlnet_cond=packed(control.hints.to(latents.dtype)),
                conditioning_scale=control.scale,
                return_dict=False,
                **inputs,
            )
            for control in batch.controls
        ]
        blocks = len(self._network.transformer_blocks)
        return {"controlnet_block_samples": summed(found, blocks)}
