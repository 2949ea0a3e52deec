"""The job: all input of one generation, in one tree of values.

The keys are the argument names of the original Mixture of Diffusers
(Álvaro Barbero Jiménez, arXiv 2302.02412), with the same meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

from .controls import Control, RegionControl
from .cuts import OVERLAPPING, WINDOWS
from .earlier import Kept, SecondPass
from .geometry import WRAPS, Axes, Rectangle
from .kinds import (
    Choice,
    File,
    Flag,
    ModelName,
    Names,
    OrNone,
    Real,
    Record,
    Records,
    Text,
    Whole,
    kind_of,
    spec,
)
from .lora import Lora
from .masks import FALLOFFS
from .prompt_syntax import PLAIN, PROMPT_SYNTAXES
from .references import REFERENCES, ReferencePicture
from .schedulers import SCHEDULERS

VERSION = 1
BUNDLED_MODEL = "bundled"

MASK_TYPES = tuple(FALLOFFS)
MASK_AREAS = ("region", "canvas")
REROLL_MODES = ("reset", "epsilon")
NOISE_DEVICES = ("cpu", "device")

SEED = Whole(0, 2**64 - 1)
GUIDANCE = Real(0, 1000)
SHARE = Real(0, 1)
MAX_STEPS = 999  # of the 1000 that models are trained on; most schedulers skip the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Rectangle):
    """What all regions have: bounds, a name, a seed of their own, and noise added to the start."""

    name: str = spec(Text(), "What the region is called; made up and made unique", default="")
    id: str = spec(
        Text(),
        "What the program that made the job knows the region by, whatever it is called",
        default="",
    )
    region_seed: int | None = spec(
        OrNone(SEED, "a random one"), "Seed of everything drawn at random for this region alone"
    )
    noise_eps: float = spec(
        Real(0, 1000),
        "Changes the region slightly: deviation of the noise added to its start",
        default=0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedRegion(Region):
    """A region that may cover a part of its bounds alone, as a picture says."""

    mask: str | None = spec(
        OrNone(File(), "the whole region"),
        "Greyscale picture of what the region covers: white all of it, black nothing",
    )
    mask_area: str = spec(
        Choice(MASK_AREAS),
        "What the mask is laid over: the region, or the whole canvas",
        default="region",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Text2ImageRegion(MaskedRegion):
    """A region that is generated from a prompt."""

    TYPE: ClassVar[str] = "text2image"

    prompt: str = spec(Text(), "What to generate in this region", default="")
    negative_prompt: str | None = spec(
        OrNone(Text(), "the canvas's"), "What to keep out of this region"
    )
    guidance_scale: float | None = spec(
        OrNone(GUIDANCE, "a random one"),
        "How closely the picture follows the prompt (classifier-free guidance)",
        default=7.5,
    )
    mask_type: str = spec(
        Choice(MASK_TYPES),
        "How the region's weight falls off towards its border",
        default="gaussian",
    )
    feather_px: int = spec(
        Whole(0), "Width of the soft edges of the falloff `feather`, in pixels", default=64
    )
    mask_weight: float = spec(
        Real(0, 1e6), "How strongly the region holds against those it overlaps", default=1.0
    )
    windows: str | None = spec(
        OrNone(Choice(WINDOWS), "the canvas's"),
        "In which windows the region is generated; overlapping or trimmed ones for what a model "
        "begins at a window's corner",
    )
    loras: tuple[Lora, ...] = spec(
        Records(Lora, "LoRA"), "LoRAs of this region alone, beside the canvas's", default=()
    )
    controls: tuple[RegionControl, ...] = spec(
        Records(RegionControl, "control"),
        "Pictures that the region is held to; of their kinds the canvas's are not",
        default=(),
    )

    references: tuple[ReferencePicture, ...] = spec(
        REFERENCES, "Pictures that the region follows, in place of the canvas's", default=()
    )

    def windows_in(self, job: Job) -> str:
        """Return in which windows the region is generated: its own kind, or the canvas's."""
        return job.windows if self.windows is None else self.windows

    def controls_in(self, job: Job) -> tuple[Control, ...]:
        """Return all that the region is held to: its own controls, and the canvas's other kinds."""
        own = {control.kind for control in self.controls}
        return (*(one for one in job.controls if one.kind not in own), *self.controls)

    def references_in(self, job: Job) -> tuple[ReferencePicture, ...]:
        """Return the pictures that the region follows: its own, or else the canvas's."""
        return tuple(one for one in self.references or job.references if one.scale > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image2ImageRegion(MaskedRegion):
    """A region that starts from a picture."""

    TYPE: ClassVar[str] = "image2image"

    reference_image: str = spec(File(), "File of the picture to start from")
    strength: float = spec(
        Real(0, 1),
        "How much of the reference picture stays: 0 nothing, 1 everything. The opposite of "
        "denoising strength in other tools, where 1 keeps nothing",
        default=0.8,
    )
    strength_map: str | None = spec(
        OrNone(File(), "the same everywhere"),
        "Greyscale picture over the region: white has the region's strength, black none, greys "
        "that share of it",
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
REGION_TYPES: dict[str, type[DiffusionRegion]] = {
    Text2ImageRegion.TYPE: Text2ImageRegion,
    Image2ImageRegion.TYPE: Image2ImageRegion,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a job and a grid configuration of the original have in common."""

    version: int = spec(Whole(1, VERSION), "Version of the job's format", default=VERSION)
    model: str | None = spec(
        OrNone(ModelName(), "the configured model"),
        "Name, folder, file or hub id of the model that generates",
    )
    scheduler: str | None = spec(
        OrNone(Choice(tuple(SCHEDULERS)), "the model's own"),
        "How the noise is removed, step by step",
    )
    num_inference_steps: int = spec(
        Whole(1, MAX_STEPS), "Steps from noise to picture: more is slower and finer", default=50
    )
    seed: int | None = spec(
        OrNone(SEED, "a random one"), "The same seed gives the same picture again"
    )
    negative_prompt: str = spec(Text(), "What to keep out of the whole picture", default="")
    cpu_vae: bool = spec(
        Flag(), "Encode and decode pictures on the CPU, to save GPU memory", default=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Settings):
    """One picture to be made."""

    canvas_height: int = spec(Whole(1), "Height of the picture in pixels")
    canvas_width: int = spec(Whole(1), "Width of the picture in pixels")
    wrap: str = spec(
        Choice(WRAPS),
        "Where the picture goes on at the opposite edge, so that it repeats without a seam: "
        "nowhere, from left to right (x), from top to bottom (y), or both",
        default="none",
    )
    calm_poles_deg: float = spec(
        Real(0, 90),
        "Of a picture all around (equirectangular): degrees around zenith and nadir in which its "
        "rows grow even, so that nothing swirls there; 0 for a picture that is none",
        default=0.0,
    )
    regions: tuple[DiffusionRegion, ...] = spec(
        Records(REGION_TYPES), "What is generated where", default=()
    )
    loras: tuple[Lora, ...] = spec(Records(Lora, "LoRA"), "LoRAs of the whole picture", default=())
    reroll_regions: tuple[RerollRegion, ...] = spec(
        Records(RerollRegion), "Where the random start is drawn anew or changed", default=()
    )
    kept: Kept | None = spec(  # noqa: RUF009
        Record(Kept),
        "An earlier picture that stays, but for what is made anew; null makes all of it",
        default=None,
    )
    second_pass: SecondPass | None = spec(  # noqa: RUF009
        Record(SecondPass),
        "An earlier picture that the canvas starts from, enlarged to it; null starts from noise",
        default=None,
    )
    prompt_syntax: str = spec(
        Choice(PROMPT_SYNTAXES),
        "How prompts are read: as plain words, cut where the model's sight ends, or with weights "
        "as in (word:1.3), [word] and BREAK, as long as they are",
        default=PLAIN,
    )
    base_prompt: str = spec(
        Text(),
        "What the whole picture shows, its regions included: the base pass's prompt",
        default="",
    )
    base_guidance_scale: float = spec(
        GUIDANCE, "How closely the base pass follows its prompt", default=7.5
    )
    base_strength: float = spec(
        SHARE,
        "How much of the first step is decided for the whole picture at once, by the base pass, "
        "so that regions fit together; 0 leaves it out",
        default=0.0,
    )
    base_end: float = spec(
        SHARE,
        "The share of the steps over which the base pass fades out",
        default=0.5,
    )
    controls: tuple[Control, ...] = spec(
        Records(Control, "control"),
        "Pictures that all text regions are held to, such as the scene's depth",
        default=(),
    )
    references: tuple[ReferencePicture, ...] = spec(
        REFERENCES, "Pictures that text regions follow which have none of their own", default=()
    )
    max_region_px: int | None = spec(
        OrNone(Whole(1), "never"),
        "Text regions whose sides are longer than this are generated in overlapping windows",
    )
    windows: str = spec(
        Choice(WINDOWS),
        "In which windows text regions are generated: as large as they are, those that are cut in "
        "windows that overlap by a third to half (overlapping); where they count alone (trimmed); "
        "or so, and cut elsewhere in each step, with little overlap (shifting)",
        default=OVERLAPPING,
    )
    decode_steps: bool = spec(
        Flag(), "Keep a picture of every step too, which takes far longer", default=False
    )
    noise_map: str | None = spec(
        OrNone(File(), "noise that lies still"),
        "Picture as large as the canvas in which equal colours start from the same noise, wherever "
        "they lie; black keeps the canvas's own",
    )
    noise_device: str = spec(
        Choice(NOISE_DEVICES),
        "Where noise is drawn: on the CPU a seed means the same on every device",
        default="cpu",
    )

    @property
    def wrapped(self) -> Axes:
        """Along which axes the picture goes on at the opposite edge."""
        return Axes(rows=self.wrap in ("y", "both"), columns=self.wrap in ("x", "both"))

    def around(self, rectangle: Rectangle) -> Axes:
        """Return along which axes a rectangle goes all around the canvas, and has no edge."""
        return Axes(
            rows=self.wrapped.rows and rectangle.height_px == self.canvas_height,
            columns=self.wrapped.columns and rectangle.width_px == self.canvas_width,
        )

    @property
    def text_regions(self) -> tuple[Text2ImageRegion, ...]:
        """The regions with a prompt, in order."""
        return tuple(r for r in self.regions if isinstance(r, Text2ImageRegion))

    @property
    def image_regions(self) -> tuple[Image2ImageRegion, ...]:
        """The regions that start from a picture, in order."""
        return tuple(r for r in self.regions if isinstance(r, Image2ImageRegion))

    @property
    def all_regions(self) -> tuple[Region, ...]:
        """The regions, then the reroll regions."""
        return (*self.regions, *self.reroll_regions)


def to_document(record: Any) -> dict[str, Any]:
    """Return a job, or a part of one, as plain values: what its JSON file holds, its type first."""
    kind = getattr(record, "TYPE", None)
    document: dict[str, Any] = {"type": kind} if kind else {}
    for declared in fields(record):
        value = getattr(record, declared.name)
        match kind_of(declared):
            case Records():
                value = [to_document(one) for one in value]
            case Record() if value is not None:
                value = to_document(value)
            case Names():
                value = list(value)
        document[declared.name] = value
    return document


def with_unique_names(job: Job) -> Job:
    """Return the job with a name for each region that no other has.

    A name that is missing is made of the region's field path: `region 2` for `regions[2]`.
    """
    taken = {region.name for region in job.all_regions}
    used: set[str] = set()

    def named(region: _R, made_up: str) -> _R:
        name, number = region.name or made_up, 2
        wanted = name
        while name in used or (name != region.name and name in taken):
            name, number = f"{wanted} {number}", number + 1
        used.add(name)
        return region if name == region.name else replace(region, name=name)

    return replace(
        job,
        regions=tuple(named(r, f"region {i}") for i, r in enumerate(job.regions)),
        reroll_regions=tuple(named(r, f"reroll {i}") for i, r in enumerate(job.reroll_regions)),
    )
