"""Stable Diffusion 1.x and 2.x: a UNet that sees text through cross-attention."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.contract.job import Text2ImageRegion
from engine.denoisers.base import View


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConditioning:
    """Text embeddings (1, T, D) with and without the prompt, and the guidance between them."""

    prompt: Tensor
    negative: Tensor
    guidance_scale: float


def _cleaned(prompt: str) -> str:
    return re.sub(" +", " ", prompt).replace("\n", " ")


class UNetDenoiser:
    """Adapter of a diffusers StableDiffusionPipeline.

    `views_per_call` bounds how many regions share one call of the UNet: more is faster, fewer
    need less memory, the result is the same to float rounding.
    """

    def __init__(self, pipeline: Any, *, views_per_call: int = 4) -> None:
        self._pipeline = pipeline
        self._unet = pipeline.unet
        self._views_per_call = views_per_call
        self._passes_per_call = 2
        self.stride_px: int = pipeline.vae_scale_factor
        self.channels: int = self._unet.config.in_channels

    def condition(
        self, regions: Sequence[Text2ImageRegion], negative_prompt: str
    ) -> list[TextConditioning]:
        """Return the text embeddings of each region; each distinct text is encoded once."""
        embedded: dict[str, Tensor] = {}

        def embed(text: str) -> Tensor:
            text = _cleaned(text)
            if text not in embedded:
                embedded[text] = self._pipeline.encode_prompt(
                    text, self._unet.device, 1, do_classifier_free_guidance=False
                )[0]
            return embedded[text]

        return [
            TextConditioning(
                prompt=embed(region.prompt),
                negative=embed(
                    negative_prompt if region.negative_prompt is None else region.negative_prompt
                ),
                guidance_scale=_drawn(region.guidance_scale),
            )
            for region in regions
        ]

    def predict(self, views: Sequence[View], t: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield each view's index and guided prediction; views of one shape share calls."""
        by_shape: defaultdict[torch.Size, list[int]] = defaultdict(list)
        for index, view in enumerate(views):
            by_shape[view.latents.shape].append(index)
        for indices in by_shape.values():
            for start in range(0, len(indices), self._views_per_call):
                group = indices[start : start + self._views_per_call]
                yield from zip(
                    group, self._predict_together([views[i] for i in group], t), strict=True
                )

    def _predict_together(self, views: Sequence[View], t: Tensor) -> Iterator[Tensor]:
        latents = torch.cat([view.latents for view in views])  # (R, C, h, w)
        negatives = [view.conditioning.negative for view in views]
        prompts = [view.conditioning.prompt for view in views]
        if self._passes_per_call == 1:
            without, given = self._call(latents, negatives, t), self._call(latents, prompts, t)
        else:
            both = torch.cat([latents, latents])  # (2R, C, h, w)
            without, given = self._call(both, negatives + prompts, t).chunk(2)
        for i, view in enumerate(views):
            guidance = view.conditioning.guidance_scale
            yield without[i : i + 1] + guidance * (given[i : i + 1] - without[i : i + 1])

    def _call(self, latents: Tensor, texts: list[Tensor], t: Tensor) -> Tensor:
        prediction: Tensor = self._unet(
            latents.to(self._unet.dtype),
            t,
            encoder_hidden_states=torch.cat(texts),  # (R, T, D)
            return_dict=False,
        )[0]
        return prediction.float()

    def save_memory(self) -> None:
        """See one region, and one of its two passes, at a time from now on."""
        self._views_per_call = self._passes_per_call = 1


def _drawn(guidance_scale: float | None) -> float:
    if guidance_scale is None:
        raise ValueError("the guidance is not drawn yet")
    return guidance_scale
