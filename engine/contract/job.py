"""The job: all input of one generation, in one tree of values.

The keys are the argument names of the original Mixture of Diffusers
(Álvaro Barbero Jiménez, arXiv 2302.02412), with the same meaning.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

from .kinds import Choice, Flag, OrNone, Real, Text, Whole, spec

VERSION = 1
DEFAULT_STRIDE_PX = 8
BUNDLED_MODEL = "bundled"

MASK_TYPES = ("constant", "gaussian", "quartic")
REROLL_MODES = ("reset", "epsilon")
NOISE_DEVICES = ("cpu", "device")
SCHEDULERS = (
    "lms",
    "ddim",
    "pndm",
    "euler",
    "euler_a",
    "dpmpp_2m",
    "dpmpp_2m_karras",
    "unipc",
    "heun",
    "lcm",
    "tcd",
    "euler_trailing",
    "ddim_trailing",
)
CONSISTENCY_SCHEDULERS = ("lcm", "tcd")  # they choose their steps from few

SEED = Whole(0, 2**64 - 1)
GUIDANCE = Real(0, 1000)
MAX_STEPS = 999  # of the 1000 that models are trained on; most schedulers skip the first

_DRAWN_SEED_END = 9_999_999_999  # the original draws its seeds from [0, 9999999999)
_DRAWN_GUIDANCE = (5, 30)  # and a guidance of None from the whole numbers of [5, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A part of the canvas, in pixels; starts are included, ends are not."""

    row_init: int = spec(Whole(0), "First row of pixels, counted from the top")
    row_end: int = spec(Whole(0), "Row of pixels below the last one")
    col_init: int = spec(Whole(0), "First column of pixels, counted from the left")
    col_end: int = spec(Whole(0), "Column of pixels right of the last one")

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return self.row_end - self.row_init

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return self.col_end - self.col_init


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Rectangle):
    """What all regions have: a place, a seed of their own, and noise added to the start."""

    region_seed: int | None = spec(
        OrNone(SEED, "a random one"),
        "Seed of everything drawn at random for this region alone",
        default=None,
    )
    noise_eps: float = spec(
        Real(0, 1000),
        "Changes the region slightly: deviation of the noise added to its start",
        default=0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Text2ImageRegion(Region):
    """A region that a prompt paints."""

    TYPE: ClassVar[str] = "text2image"

    prompt: str = spec(Text(), "What to paint in this region", default="")
    negative_prompt: str | None = spec(
        OrNone(Text(), "the canvas's"), "What to keep out of this region", default=None
    )
    guidance_scale: float | None = spec(
        OrNone(GUIDANCE, "a random one"),
        "How closely the picture follows the prompt (classifier-free guidance)",
        default=7.5,
    )
    mask_type: str = spec(
        Choice(MASK_TYPES), "How the region's weight fades towards its border", default="gaussian"
    )
    mask_weight: float = spec(
        Real(0, 1e6), "How strongly the region holds against those it overlaps", default=1.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Image2ImageRegion(Region):
    """A region that starts from a picture."""

    TYPE: ClassVar[str] = "image2image"

    reference_image: str = spec(Text(required=True), "File of the picture to start from")
    strength: float = spec(
        Real(0, 1),
        "How much of the reference picture stays: 0 nothing, 1 everything. The opposite of "
        "denoising strength in other tools, where 1 keeps nothing",
        default=0.8,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RerollRegion(Region):
    """A region in which the random start is drawn anew, or shifted a little."""

    reroll_mode: str = spec(
        Choice(REROLL_MODES),
        "Draw the start anew (reset), or change it slightly (epsilon)",
        default="reset",
    )


_R = TypeVar("_R", bound=Region)
DiffusionRegion = Text2ImageRegion | Image2ImageRegion
REGION_TYPES: dict[str, type[Text2ImageRegion] | type[Image2ImageRegion]] = {
    Text2ImageRegion.TYPE: Text2ImageRegion,
    Image2ImageRegion.TYPE: Image2ImageRegion,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to be made."""

    version: int = spec(Whole(1, VERSION), "Version of the job's format", default=VERSION)
    model: str | None = spec(
        OrNone(Text(required=True), "the configured model"),
        "Name, folder, file or hub id of the model that paints",
        default=None,
    )
    scheduler: str | None = spec(
        OrNone(Choice(SCHEDULERS), "the model's own"),
        "How the noise is removed, step by step",
        default=None,
    )
    num_inference_steps: int = spec(
        Whole(1, MAX_STEPS), "Steps from noise to picture: more is slower and finer", default=50
    )
    seed: int | None = spec(
        OrNone(SEED, "a random one"), "The same seed gives the same picture again", default=None
    )
    canvas_height: int = spec(Whole(1), "Height of the picture in pixels")
    canvas_width: int = spec(Whole(1), "Width of the picture in pixels")
    negative_prompt: str = spec(Text(), "What to keep out of the whole picture", default="")
    regions: tuple[DiffusionRegion, ...]
    reroll_regions: tuple[RerollRegion, ...] = ()
    cpu_vae: bool = spec(
        Flag(), "Encode and decode pictures on the CPU, to save GPU memory", default=False
    )
    decode_steps: bool = spec(
        Flag(), "Keep a picture of every step too, which takes far longer", default=False
    )
    noise_device: str = spec(
        Choice(NOISE_DEVICES),
        "Where noise is drawn: on the CPU a seed means the same on every device",
        default="cpu",
    )

    @property
    def text_regions(self) -> tuple[Text2ImageRegion, ...]:
        """The regions that a prompt paints, in order."""
        return tuple(r for r in self.regions if isinstance(r, Text2ImageRegion))

    @property
    def image_regions(self) -> tuple[Image2ImageRegion, ...]:
        """The regions that start from a picture, in order."""
        return tuple(r for r in self.regions if isinstance(r, Image2ImageRegion))


def region_to_document(region: Region) -> dict[str, Any]:
    """Return a region as plain values, its type first."""
    kind = getattr(region, "TYPE", None)
    values = {f.name: getattr(region, f.name) for f in fields(region)}
    return {"type": kind, **values} if kind else values


def job_to_document(job: Job) -> dict[str, Any]:
    """Return a job as plain values: what its JSON file holds."""
    values = {f.name: getattr(job, f.name) for f in fields(job)}
    values["regions"] = [region_to_document(region) for region in job.regions]
    values["reroll_regions"] = [region_to_document(region) for region in job.reroll_regions]
    return values


def random_seed(draw: random.Random) -> int:
    """Return a seed at random."""
    return draw.randrange(_DRAWN_SEED_END)


def random_guidance(draw: random.Random) -> int:
    """Return a guidance at random, for a guidance_scale of None."""
    return draw.randrange(*_DRAWN_GUIDANCE)


def resolve_random(job: Job, draw: random.Random) -> Job:
    """Return the job with each seed and guidance that was left to chance filled in."""

    def seeded(region: _R) -> _R:
        if region.region_seed is not None:
            return region
        return replace(region, region_seed=random_seed(draw))

    def guided(region: DiffusionRegion) -> DiffusionRegion:
        if isinstance(region, Text2ImageRegion) and region.guidance_scale is None:
            return replace(region, guidance_scale=random_guidance(draw))
        return region

    return replace(
        job,
        seed=random_seed(draw) if job.seed is None else job.seed,
        regions=tuple(guided(seeded(region)) for region in job.regions),
        reroll_regions=tuple(seeded(region) for region in job.reroll_regions),
    )
