"""Z-Image: one stream of tokens, of the picture and of a text as a language model sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.families.chat_texts import words_beyond
from engine.families.flow import FlowModel
from engine.families.guidance import ClassifierFreeGuidance
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import Batch, Conditioning, Text
from engine.runtime.devices import Device

_MOST_TOKENS = 512


class LoadedModel(FlowModel):
    """A diffusers ZImagePipeline.

    Its own guidance counts from 0, ours from 1: its 4 is our 5, and its 0 is our 1.
    """

    NAME = "z_image"
    PIPELINE = "ZImagePipeline"

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        self.codec = KLCodec(pipeline.vae, dtype=device.dtype)
        self.guidance = ClassifierFreeGuidance()

    def encode(self, text: Text) -> Conditioning:
        """Return a text's embedding (1, T, D), as long as the text is."""
        (embedded,), _ = self._pipeline.encode_prompt(
            text.prompt,
            self.network_device,
            do_classifier_free_guidance=False,
            max_sequence_length=_MOST_TOKENS,
        )
        return {"cap_feats": embedded[None]}

    def cut_off(self, text: Text) -> str:
        """Return the words behind the last token that the encoder sees."""
        return words_beyond(self._pipeline.tokenizer, text.prompt, _MOST_TOKENS, self._rendered)

    def _rendered(self, prompt: str) -> str:
        message = {"role": "user", "content": prompt}
        rendered: str = self._pipeline.tokenizer.apply_chat_template(
            [message], tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        return rendered

    def call(self, batch: Batch) -> Tensor:
        """Return the velocity; the network counts its time from noise, and predicts the reverse."""
        latents = batch.latents.to(self._network.dtype)
        elapsed = ((1000 - batch.timestep) / 1000).expand(len(latents))
        # (C, 1, h, w) each
        inputs = {"t": elapsed, "cap_feats": list(batch.conditioning["cap_feats"])}
        held = self.held(batch, latents, inputs)
        views = [one[:, None] for one in latents]
        found = self._network(views, return_dict=False, **inputs, **held)[0]
        return -torch.stack([one[:, 0].float() for one in found])

    def complete(self, net: Any) -> Any:
        """Return a ControlNet with the network's own embedders, which it shares."""
        return net.from_transformer(net, self._network)

    def held(self, batch: Batch, latents: Tensor, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ControlNets add to some of the network's layers, by the layers' numbers."""
        if not batch.controls:
            return {}
        found: dict[int, Tensor] = {}
        for control in batch.controls:
            hints = control.hints.to(latents.dtype)
            # Some have room for a picture to be changed and a mask; without both they are zeros.
            empty = control.net.config.control_in_dim - hints.shape[1]
            hints = torch.nn.functional.pad(hints, (0, 0, 0, 0, 0, empty))
            samples = control.net(
                [one[:, None] for one in latents],
                control_context=[one[:, None] for one in hints],
                conditioning_scale=control.scale,
                **inputs,
            )
            for layer, sample in samples.items():
                found[layer] = found[layer] + sample if layer in found else sample
        return {"controlnet_block_samples": found}
