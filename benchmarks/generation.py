"""Pictures of the model under test."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image

from engine.families.schedules import build_scheduler
from engine.model_keeper import ModelKeeper
from engine.pipelines import (
    CanvasRegion,
    Image2ImageRegion,
    RerollRegion,
    StableDiffusionCanvasPipeline,
    Text2ImageRegion,
)
from engine.run import RunRequest, run
from engine.runtime.references import preprocess_image

Bytes = NDArray[np.uint8]
NATIVE_PX = 128
BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A text region of the canvas, in pixels."""

    prompt: str
    top: int
    left: int
    height: int
    width: int
    mask_type: str = "gaussian"


class Painter:
    """The model with the settings that it recommends for itself."""

    def __init__(
        self,
        folder: Path,
        steps: int | None = None,
        *,
        scheduler: str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Load the model's folder as diffusers does."""
        use: dict[str, Any] = json.loads((folder / "mixdiff.json").read_text())
        self.steps = steps or int(use["num_inference_steps"])
        self.guidance = float(use["guidance_scale"])
        self._plain: Any = StableDiffusionPipeline.from_pretrained(
            folder, safety_checker=None, torch_dtype=dtype
        )
        self._own = self._plain.scheduler.config
        self.take(scheduler or use["scheduler"], self.steps)
        self._plain.set_progress_bar_config(disable=True)

    def take(self, scheduler: str, steps: int) -> None:
        """Go on with another scheduler and another number of steps."""
        self.steps = steps
        self._plain.scheduler = build_scheduler(scheduler, self._own)
        own = {"vae": copy.deepcopy(self._plain.vae)}  # which the engine has in float32
        self._canvas: Any = StableDiffusionCanvasPipeline(**{**self._plain.components, **own})
        self._canvas.set_progress_bar_config(disable=True)

    def singles(
        self,
        prompts: Sequence[str],
        seed: int,
        *,
        negative: str = "",
        guidance: float | None = None,
        side_px: int = NATIVE_PX,
    ) -> list[Bytes]:
        """Paint each prompt alone with plain diffusers, one seed after the other."""
        made: list[Bytes] = []
        for start in range(0, len(prompts), BATCH):
            part = list(prompts[start : start + BATCH])
            found = self._plain(
                part,
                negative_prompt=[negative] * len(part) if negative else None,
                height=side_px,
                width=side_px,
                num_inference_steps=self.steps,
                guidance_scale=self.guidance if guidance is None else guidance,
                generator=[
                    torch.Generator().manual_seed(seed + start + i) for i in range(len(part))
                ],
                output_type="np",
            )
            made += [np.round(image * 255.0).astype(np.uint8) for image in found.images]
        return made

    def mixture(
        self,
        patches: Sequence[Patch],
        height: int,
        width: int,
        seed: int,
        *,
        reference: Bytes | None = None,
        strength: float = 0.5,
        rerolls: Sequence[RerollRegion] = (),
        base: Mapping[str, Any] = MappingProxyType({}),
    ) -> Bytes:
        """Paint a canvas of text regions, over a whole-canvas reference where one is given.

        `base` has a job's fields of the base pass.
        """
        regions: list[CanvasRegion] = [
            Text2ImageRegion(
                row_init=patch.top,
                row_end=patch.top + patch.height,
                col_init=patch.left,
                col_end=patch.left + patch.width,
                prompt=patch.prompt,
                guidance_scale=self.guidance,
                mask_type=patch.mask_type,
                region_seed=0,
            )
            for patch in patches
        ]
        if reference is not None:
            regions.append(
                Image2ImageRegion(
                    row_init=0,
                    row_end=height,
                    col_init=0,
                    col_end=width,
                    reference_image=preprocess_image(Image.fromarray(reference)),
                    strength=strength,
                    region_seed=0,
                )
            )
        made = self._canvas(
            canvas_height=height,
            canvas_width=width,
            regions=regions,
            num_inference_steps=self.steps,
            seed=seed,
            reroll_regions=list(rerolls),
            **base,
        )
        return np.asarray(made["sample"][0].convert("RGB"))


def painted(document: object, keeper: ModelKeeper, folder: Path | None = None) -> Bytes:
    """Make a job's picture; its relative paths start at `folder`."""
    with tempfile.TemporaryDirectory() as own:
        output = Path(own, "picture.png")
        request = RunRequest(document=document, folder=folder or Path(own), output=output)
        for _ in run(request, keeper):
            pass
        return np.asarray(Image.open(output).convert("RGB"))


def row_of(
    prompts: Sequence[str],
    *,
    region_px: int = NATIVE_PX,
    overlap_px: int = 32,
    height_px: int = NATIVE_PX,
    mask_type: str = "gaussian",
) -> tuple[list[Patch], int]:
    """Set regions side by side with an overlap; give them and the canvas's width."""
    stride = region_px - overlap_px
    patches = [
        Patch(
            prompt=prompt,
            top=0,
            left=i * stride,
            height=height_px,
            width=region_px,
            mask_type=mask_type,
        )
        for i, prompt in enumerate(prompts)
    ]
    return patches, stride * (len(prompts) - 1) + region_px


def own_columns(index: int, count: int, region_px: int, overlap_px: int) -> slice:
    """Give the columns where the weight of region `index` of a row dominates."""
    stride = region_px - overlap_px
    start = 0 if index == 0 else index * stride + overlap_px // 2
    stop = index * stride + region_px - (0 if index == count - 1 else overlap_px // 2)
    return slice(start, stop)
