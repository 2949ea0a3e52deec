"""The original's Python interface: its pipelines and regions, with the same names and meanings.

Source: https://github.com/albarji/mixture-of-diffusers, the arguments of its README.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import SystemRandom
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from torch import Tensor

from engine.contract import chance
from engine.contract import job as contract
from engine.contract.checks import check
from engine.contract.errors import JobError
from engine.contract.families import DEFAULT_FAMILY
from engine.contract.models import ModelFacts
from engine.contract.parse import Findings, read_fields
from engine.contract.sides import check_sides
from engine.families.loading import model_of
from engine.runtime.codec import Pixels
from engine.runtime.devices import Device
from engine.runtime.references import fitted, preprocess_image
from engine.sampling.events import ImageRows, StepDone
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs

__all__ = [
    "CanvasRegion",
    "Image2ImageRegion",
    "RerollRegion",
    "StableDiffusionCanvasPipeline",
    "StableDiffusionTilingPipeline",
    "Text2ImageRegion",
    "preprocess_image",
]

Grid = Sequence[Sequence[Any]]


@dataclass
class CanvasRegion:
    """A rectangle of the canvas in pixels; wrong ones raise ValueError when they are made."""

    CONTRACT: ClassVar[type[contract.Region]] = contract.Region

    row_init: int
    row_end: int
    col_init: int
    col_end: int
    region_seed: int | None = None
    noise_eps: float = 0.0

    def __post_init__(self) -> None:
        findings = Findings()
        values = read_fields(self.CONTRACT, self._own_values(), "", findings)
        check_sides(values, "", {}, DEFAULT_FAMILY.grid_px, findings)
        if findings.has_errors:
            raise JobError(findings.problems)
        if self.region_seed is None:
            self.region_seed = chance.random_seed(SystemRandom())

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.col_end - self.col_init

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.row_end - self.row_init

    def _own_values(self) -> dict[str, Any]:
        return dict(vars(self))

    def to_document(self) -> dict[str, Any]:
        """Return the region as a job holds it."""
        kind = getattr(self.CONTRACT, "TYPE", None)
        return {"type": kind, **self._own_values()} if kind else self._own_values()


@dataclass
class Text2ImageRegion(CanvasRegion):
    """A region that a prompt paints; a guidance_scale of None draws one."""

    CONTRACT = contract.Text2ImageRegion

    prompt: str = ""
    guidance_scale: float | None = 7.5
    mask_type: str = "gaussian"
    mask_weight: float = 1.0
    negative_prompt: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.guidance_scale is None:
            self.guidance_scale = chance.random_guidance(SystemRandom())


@dataclass
class Image2ImageRegion(CanvasRegion):
    """A region that starts from a picture, given as `preprocess_image` returns it."""

    CONTRACT = contract.Image2ImageRegion

    reference_image: Tensor | None = None
    strength: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reference_image is None:
            raise ValueError("reference_image: an Image2ImageRegion needs a picture; give one")
        self.reference_image = fitted(self.reference_image, self.height, self.width)

    def _own_values(self) -> dict[str, Any]:
        # The contract knows pictures by name; this one is in memory and nobody else's.
        return {**super()._own_values(), "reference_image": f"picture {id(self)}"}


@dataclass
class RerollRegion(CanvasRegion):
    """A region whose random start is drawn anew, or shifted a little."""

    CONTRACT = contract.RerollRegion

    reroll_mode: str = "reset"


class _MixturePipeline(StableDiffusionPipeline):  # type: ignore[misc]
    """A diffusers pipeline whose pictures are mixtures."""

    def __init__(
        self,
        vae: Any,
        text_encoder: Any,
        tokenizer: Any,
        unet: Any,
        scheduler: Any,
        safety_checker: Any = None,
        feature_extractor: Any = None,
        image_encoder: Any = None,
        requires_safety_checker: bool = False,
    ) -> None:
        generates = (vae, text_encoder, tokenizer, unet, scheduler)
        unused = (safety_checker, feature_extractor, image_encoder, requires_safety_checker)
        super().__init__(*generates, *unused)

    @classmethod
    def from_pretrained(cls, model: Any, **settings: Any) -> Any:
        """Load a model as diffusers does, from safetensors, without its safety checker."""
        if "use_auth_token" in settings:
            settings["token"] = settings.pop("use_auth_token")
        settings = {"safety_checker": None, "use_safetensors": True, **settings}
        load: Any = super().from_pretrained
        return load(model, requires_safety_checker=False, **settings)

    def _mix(
        self, document: Mapping[str, Any], references: Mapping[str, Tensor]
    ) -> dict[str, list[Any]]:
        pipeline: Any = self  # diffusers' own attributes are untyped
        device = Device(torch_device=pipeline.device, dtype=pipeline.unet.dtype)
        model = model_of(pipeline, device)
        checked = check(document, folder=None, facts=ModelFacts.of_family(model.family))
        job = chance.resolve_random(checked.job_or_raise(), SystemRandom())
        rows: dict[int | None, list[Pixels]] = {}
        with pipeline.progress_bar(total=job.num_inference_steps) as bar:
            for event in generate(job, model, JobInputs(pictures=references)):
                match event:
                    case StepDone():
                        bar.total = event.steps
                        bar.update()
                    case ImageRows():
                        rows.setdefault(event.step, []).append(event.rows)
        sample = [Image.fromarray(np.concatenate(rows.pop(None)))]
        if not job.decode_steps:
            return {"sample": sample}
        steps = [[Image.fromarray(np.concatenate(strips))] for strips in rows.values()]
        return {"sample": sample, "steps_images": steps}


class StableDiffusionCanvasPipeline(_MixturePipeline):
    """Regions placed freely on a canvas."""

    @torch.no_grad()
    def __call__(
        self,
        canvas_height: int,
        canvas_width: int,
        regions: Sequence[CanvasRegion],
        num_inference_steps: int = 50,
        seed: int | None = 12345,
        reroll_regions: Sequence[RerollRegion] | None = None,
        cpu_vae: bool = False,
        decode_steps: bool = False,
        negative_prompt: str = "",
        base_prompt: str = "",
        base_guidance_scale: float = 7.5,
        base_strength: float = 0.0,
        base_end: float = 0.5,
    ) -> dict[str, list[Any]]:
        """Return `{"sample": [picture]}`, with `steps_images` too where `decode_steps` is set.

        Raises: ValueError with all that is wrong.
        """
        arguments = locals()  # named as a job's keys are
        del arguments["self"]
        documents = [region.to_document() for region in regions]
        references = {
            document["reference_image"]: region.reference_image
            for document, region in zip(documents, regions, strict=True)
            if isinstance(region, Image2ImageRegion) and region.reference_image is not None
        }
        rerolls = [region.to_document() for region in reroll_regions or ()]
        return self._mix({**arguments, "regions": documents, "reroll_regions": rerolls}, references)


class StableDiffusionTilingPipeline(_MixturePipeline):
    """A grid of tiles, with a prompt each."""

    class SeedTilesMode(Enum):
        """Which part of a tile takes the tile's own seed."""

        FULL = "full"
        EXCLUSIVE = "exclusive"

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Grid,
        num_inference_steps: int = 50,
        guidance_scale: float | None = 7.5,
        eta: float = 0.0,
        seed: int | None = None,
        tile_height: int = 512,
        tile_width: int = 512,
        tile_row_overlap: int = 256,
        tile_col_overlap: int = 256,
        guidance_scale_tiles: Grid | None = None,
        seed_tiles: Grid | None = None,
        seed_tiles_mode: str | Grid = "full",
        seed_reroll_regions: Sequence[Sequence[int]] | None = None,
        cpu_vae: bool = False,
        negative_prompt: str = "",
    ) -> dict[str, list[Any]]:
        """Return `{"sample": [picture]}`.

        Raises: ValueError with all that is wrong.
        """
        arguments = locals()  # named as a grid's keys are
        del arguments["self"], arguments["eta"]
        if eta != 0:
            raise ValueError(f"eta: {eta} is not supported; use scheduler euler_a for added noise")
        return self._mix(arguments, {})
