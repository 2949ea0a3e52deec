"""What a run tells of itself: a closed list of events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from engine.contract.errors import Problem
from engine.runtime.codec import Pixels

Phase = Literal["loading", "encoding", "sampling", "decoding", "writing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBegan:
    """The job entered another phase."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step of the sampler is done; `steps` is how many there are in all."""

    step: int
    steps: int
    elapsed_s: float
    remaining_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A small picture of where the job stands, about one pixel a latent cell."""

    step: int
    picture: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRows:
    """The next rows of a picture, (rows, W, 3); pictures come from top to bottom, one by one.

    `step` is None for the finished picture, or the step after which a job with `decode_steps`
    shows this one. `size_px` is the whole picture's width and height.
    """

    step: int | None
    rows: Pixels
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsDone:
    """So many rows of the finished picture are in its file, of all `rows`."""

    row: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlanned:
    """Where the model's parts will be, and what that takes and costs, in words."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfMemoryRetry:
    """The job did not fit into the memory and begins again, more frugally, its pictures too."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something doubtful about the job came to light only when its pictures were looked at."""

    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """All steps are done, and the rows of the picture follow; its latents, (1, C, h, w)."""

    latents: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run's end: the files, the job with everything drawn filled in, what it took."""

    output: Path
    job: dict[str, Any]
    problems: tuple[Problem, ...]
    steps: tuple[Path, ...]
    timings_s: dict[str, float]
    """Seconds per phase."""
    taken_bytes: int
    """The most memory of the device that the engine has held, 0 where that is not known."""


GenerateEvent = PhaseBegan | StepDone | Preview | ImageRows | OutOfMemoryRetry | Warned | Generated
RunEvent = PhaseBegan | MemoryPlanned | StepDone | Preview | RowsDone | Done
