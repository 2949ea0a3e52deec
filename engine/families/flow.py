"""What the families have in common whose transformers predict velocities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from engine.contract.effort import base_tokens, largest_tokens
from engine.contract.job import Job
from engine.families.base import Model
from engine.families.flow_schedules import FlowSchedule, flow_schedule
from engine.runtime.autoencoder import KLCodec
from engine.runtime.codec import Codec
from engine.runtime.controls import Hint
from engine.runtime.references import Reference


class FlowModel(Model):
    """A model whose network predicts noise − picture, and sees a window in tokens of 16 pixels."""

    EVEN_LEVELS = True
    """Whether the levels before their shift are 1, …, 2/n, 1/n."""

    def make_schedule(self, job: Job) -> FlowSchedule:
        """Return the schedule of the scheduler that the job names, or of the model's own.

        Where levels are shifted by the picture's size, the largest window's counts, the base
        pass's too: it is all that a call of the network sees.
        """
        config = {
            **self._pipeline.scheduler.config,
            "_class_name": type(self._pipeline.scheduler).__name__,
        }
        is_dynamic = config.get("use_dynamic_shifting")
        steps = job.num_inference_steps
        return flow_schedule(
            job.scheduler,
            config,
            steps,
            mu=self.mu(self._largest_tokens(job), steps, config) if is_dynamic else None,
            even=self.EVEN_LEVELS,
        )

    def _largest_tokens(self, job: Job) -> int:
        base = base_tokens(job, self.family.grid_px, self.family.most_region_px)
        return max(largest_tokens(job), base)

    def mu(self, tokens: int, steps: int, config: Mapping[str, Any]) -> float:
        """Return the logarithm of the shift for a window of so many tokens."""
        return shift_by_tokens(tokens, config)

    def hint(self, picture: Reference, net: Any, *, on: torch.device) -> Hint:
        """Return the likeliest latents of a picture, (1, C, h, w): what transformers' nets see."""
        codec = self._hint_codec(net)
        return codec.encode(picture, torch.Generator(), on=on)

    def _hint_codec(self, net: Any) -> Codec:
        return KLCodec(self._pipeline.vae, dtype=self.device.dtype, encoding="mode")

    def _timestep(self, timestep: Tensor, count: int) -> Tensor:
        """Return the level that all passes of a call stand at, (P,), in the network's precision."""
        return (timestep.float() / 1000).expand(count).to(self._network.dtype)


def summed(of_nets: Sequence[Sequence[Tensor] | None], blocks: int) -> list[Tensor] | None:
    """Return what several ControlNets add to a transformer's blocks, for each that one has.

    Where they have different numbers of blocks, each of the transformer's gets its own.
    """
    found = [samples for samples in of_nets if samples]
    if len(found) < 2:
        return list(found[0]) if found else None
    if len({len(samples) for samples in found}) > 1:
        found = [
            [samples[block // math.ceil(blocks / len(samples))] for block in range(blocks)]
            for samples in found
        ]
    return [torch.stack(same).sum(0) for same in zip(*found, strict=True)]


def shift_by_tokens(tokens: int, config: Mapping[str, Any]) -> float:
    """Return mu along the line that a scheduler's configuration gives, to its end and no further.

    Source: diffusers' `calculate_shift`, which goes on without an end.
    """
    first, last = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    slope = (high - low) / (last - first)
    return float(min(tokens, last) * slope + (low - slope * first))


def packed(latents: Tensor) -> Tensor:
    """Return latents as tokens of two by two cells: (P, C, h, w) to (P, h·w/4, 4·C)."""
    return as_tokens(pixel_unshuffle(latents, 2))


def unpacked(tokens: Tensor, height: int, width: int) -> Tensor:
    """Return tokens as latents again: (P, h·w/4, 4·C) to (P, C, h, w)."""
    latents: Tensor = pixel_shuffle(as_cells(tokens, height // 2, width // 2), 2)
    return latents


def as_tokens(latents: Tensor) -> Tensor:
    """Return latents with a token for each cell: (P, C, h, w) to (P, h·w, C)."""
    return latents.flatten(2).transpose(1, 2).contiguous()


def as_cells(tokens: Tensor, height: int, width: int) -> Tensor:
    """Return tokens as latents again: (P, h·w, C) to (P, C, h, w)."""
    count, _, channels = tokens.shape
    return tokens.transpose(1, 2).reshape(count, channels, height, width)


def positions(height: int, width: int, device: torch.device) -> Tensor:
    """Return each token's place in its window, (h·w, 3): 0, row, column; the window starts at 0.

    Relative to where texts stand, as the model was trained, wherever the window lies.
    """
    axes = (torch.arange(size, device=device) for size in (1, height, width))
    return torch.cartesian_prod(*axes).float()
