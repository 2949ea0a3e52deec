"""The jobs that an engine is given, and what it does: one state at a time, which owns its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contract import Cancelled, EngineError, Problem
from .client import Client
from .progress import Progress

HERE = ""
"""This computer, among the places where engines are; others are clusters' addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a job needs; its document's relative paths start at `folder`."""

    document: Mapping[str, Any]
    folder: Path
    output: Path
    scene_name: str = ""
    """Where the picture is wanted, for those who show the job."""
    place: str = HERE
    """Where it is to be made."""
    gives_way: bool = False
    """Whether nobody asked for it: it is taken out for any job that somebody did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished job: the picture, and the document with everything drawn at random filled in."""

    output: Path
    document: Mapping[str, Any]
    problems: tuple[Problem, ...]
    timings_s: Mapping[str, float]
    taken_bytes: int = 0
    was_cancelled: bool = False
    """Whether it was cancelled, too late for itself: what would follow it is not wanted."""


class Skipped(Cancelled):
    """Only this job was taken out: what belongs together with it goes on."""


Outcome = Done | EngineError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """A job that waits or is under way; `on_end` is called once."""

    request: JobRequest
    on_end: Callable[[Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What an engine that is started before anybody asked for a picture gets ready."""

    model: str | None
    """None for the engine's own."""
    is_loaded: bool
    """Whether to load it too; else what it is made of is imported alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """No engine runs; the next job starts one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """The engine loads its libraries; the job for it may have been cancelled meanwhile."""

    client: Client
    request_id: int
    started_at_s: float
    job: Job | None
    ahead: Ahead | None = None
    """What it then gets ready, where no job has come by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The engine waits for a job."""

    client: Client
    facts: Mapping[str, str]
    has_model: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preloading:
    """The engine gets ready for a first job, and gives way to whatever is asked for meanwhile."""

    client: Client
    request_id: int
    is_loaded: bool
    """Whether a model will be there then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generating:
    """A job runs."""

    client: Client
    request_id: int
    job: Job
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """A job was asked to stop and has not yet."""

    client: Client
    request_id: int
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloading:
    """The engine gives the model's memory back."""

    client: Client
    request_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The engine could not start, or died; the next job starts another."""

    error: EngineError


State = Stopped | Starting | Preloading | Ready | Generating | Cancelling | Unloading | Failed
