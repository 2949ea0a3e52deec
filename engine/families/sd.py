"""Stable Diffusion 1.x and 2.x: a UNet that sees text through cross-attention."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.contract.job import Text2ImageRegion
from engine.families.base import Part
from engine.runtime.capacity import Capacity
from engine.runtime.devices import give_memory_back, is_oom
from engine.runtime.windows import Window

_KEPT_TEXTS = 256


def _cleaned(prompt: str) -> str:
    return re.sub(" +", " ", prompt).replace("\n", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """One look of the UNet at a region, and how much of it the region's prediction takes."""

    region: int
    window: Window
    text: str
    factor: float
    guidance_scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Passes of one shape, which share calls.

    Shapes: rows (P,), which of the plan's texts each pass sees; guidance (P, D) for a UNet that
    takes it as an input, else None.
    """

    passes: Sequence[_Pass]
    rows: Tensor
    guidance: Tensor | None

    @property
    def cells(self) -> tuple[int, int]:
        """The height and width of each pass."""
        window = self.passes[0].window
        return window.height, window.width


class UNetDenoiser:
    """Adapter of a diffusers StableDiffusionPipeline.

    `capacity` bounds how many passes share one call of the UNet: more is faster, fewer need less
    memory, the result is the same to float rounding.
    """

    def __init__(self, pipeline: Any, *, capacity: Capacity | None = None) -> None:
        self._pipeline = pipeline
        self._unet = pipeline.unet
        self._capacity = capacity or Capacity(self._unet.device)
        self._texts: OrderedDict[str, Tensor] = OrderedDict()
        self.stride_px: int = pipeline.vae_scale_factor
        self.channels: int = self._unet.config.in_channels

    @property
    def _is_distilled(self) -> bool:
        """Whether the guidance is an input of the UNet, as in latent consistency models."""
        return self._unet.config.time_cond_proj_dim is not None

    def plan(self, regions: Sequence[Text2ImageRegion], negative_prompt: str) -> UNetPlan:
        """Return the passes of a job's regions, each distinct text encoded once, now or earlier."""
        passes = [
            one
            for index, region in enumerate(regions)
            for one in self._passes(index, region, negative_prompt)
        ]
        distinct = list(dict.fromkeys(one.text for one in passes))
        texts = torch.cat([self._embedded(text) for text in distinct])  # (K, T, D)
        by_shape: dict[tuple[int, int], list[_Pass]] = {}
        for one in passes:
            by_shape.setdefault((one.window.height, one.window.width), []).append(one)
        groups = [
            _Group(
                passes=sharing,
                rows=torch.tensor([distinct.index(one.text) for one in sharing]).to(texts.device),
                guidance=self._guidance_input(sharing) if self._is_distilled else None,
            )
            for sharing in by_shape.values()
        ]
        return UNetPlan(self._unet, texts, groups, self._capacity)

    def _passes(
        self, index: int, region: Text2ImageRegion, negative_prompt: str
    ) -> Iterator[_Pass]:
        """Yield a region's passes: with its prompt, without it, or both, as its guidance needs."""
        guidance = _resolved(region.guidance_scale)
        negative = negative_prompt if region.negative_prompt is None else region.negative_prompt
        counts = [(negative, 1.0 - guidance), (region.prompt, guidance)]
        if self._is_distilled:
            counts = [(region.prompt, 1.0)]
        for text, factor in counts:
            if factor != 0:
                yield _Pass(
                    region=index,
                    window=Window.of(region, self.stride_px),
                    text=_cleaned(text),
                    factor=factor,
                    guidance_scale=guidance,
                )

    def _guidance_input(self, passes: Sequence[_Pass]) -> Tensor:
        scales = torch.tensor([one.guidance_scale - 1 for one in passes])
        size = self._unet.config.time_cond_proj_dim
        embedded: Tensor = self._pipeline.get_guidance_scale_embedding(scales, embedding_dim=size)
        return embedded.to(self._unet.device, self._unet.dtype)  # (P, D)

    def _embedded(self, text: str) -> Tensor:
        """Return a text's embedding (1, T, D); each by itself, so that none changes another's."""
        if text not in self._texts:
            self._texts[text] = self._pipeline.encode_prompt(
                text, self._unet.device, 1, do_classifier_free_guidance=False
            )[0]
            if len(self._texts) > _KEPT_TEXTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(text)
        return self._texts[text]


class UNetPlan:
    """How a job's regions are predicted: their passes in groups, their texts, what fits a call."""

    def __init__(
        self,
        unet: Any,
        texts: Tensor,
        groups: Sequence[_Group],
        capacity: Capacity,
    ) -> None:
        self._unet = unet
        self._texts = texts
        self._groups = groups
        self._fitting = [self._fitting_now(group, capacity) for group in groups]

    def predict(self, seen: Tensor, t: Tensor) -> Iterator[Part]:
        """Yield the parts of all regions' predictions, call by call."""
        # Filled by the device itself: a copy from the host would have to wait for it.
        moment = torch.full((1,), t.item(), dtype=t.dtype, device=seen.device)
        for number, group in enumerate(self._groups):
            done = 0
            while done < len(group.passes):
                outputs = self._as_many_as_fit(number, done, seen, moment)  # (P', C, h, w)
                for one, output in zip(group.passes[done:], torch.split(outputs, 1), strict=False):
                    yield Part(region=one.region, prediction=output, factor=one.factor)
                done += len(outputs)

    def _as_many_as_fit(self, number: int, done: int, seen: Tensor, moment: Tensor) -> Tensor:
        """Call the UNet once, with fewer passes from then on where the memory is too small."""
        group = self._groups[number]
        while True:
            passes = slice(done, done + self._fitting[number])
            asked = len(group.passes[passes])
            try:
                return self._called(group, passes, seen, moment)
            except (RuntimeError, MemoryError) as error:
                if asked == 1 or not is_oom(error):
                    raise
            # Only here, where the error no longer holds the tensors of the call.
            self._fitting[number] = asked // 2
            give_memory_back(seen.device)

    def _called(self, group: _Group, passes: slice, seen: Tensor, moment: Tensor) -> Tensor:
        views = [one.window.view(seen) for one in group.passes[passes]]
        prediction: Tensor = self._unet(
            torch.cat(views).to(self._unet.dtype),  # (P', C, h, w)
            moment,
            encoder_hidden_states=self._texts.index_select(0, group.rows[passes]),  # (P', T, D)
            timestep_cond=None if group.guidance is None else group.guidance[passes],
            return_dict=False,
        )[0]
        return prediction.float()

    def _fitting_now(self, group: _Group, capacity: Capacity) -> int:
        height, width = group.cells
        corner = Window(top=0, bottom=height, left=0, right=width)
        tried = replace(group, passes=[replace(one, window=corner) for one in group.passes])
        device = self._unet.device
        blank = torch.zeros((1, self._unet.config.in_channels, height, width), device=device)
        moment = torch.zeros(1, dtype=torch.int64, device=device)
        return capacity.passes(
            height,
            width,
            len(group.passes),
            lambda count: self._called(tried, slice(count), blank, moment),
        )


def _resolved(guidance_scale: float | None) -> float:
    if guidance_scale is None:
        raise ValueError("the guidance is not drawn yet")
    return guidance_scale
