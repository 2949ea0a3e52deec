"""Jobs as people keep them: a job file, a grid configuration, or a PNG that the engine made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.contract.files import open_input
from engine.contract.parse import parse_json
from engine.contract.png import SIGNATURE, read_job, read_run

_MAX_JOB_BYTES = 64 * 2**20
_ADVICE = "give a job file, a grid configuration, or a PNG that the engine made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A job's document, where its paths start, and what a PNG's run said of its device."""

    document: object
    folder: Path
    run: dict[str, Any] = field(default_factory=dict)


def read_source(path: Path) -> Source:
    """Return the job that a file holds.

    Raises: JobError where it is no JSON; EngineError where it cannot be read.
    """
    folder = path.absolute().parent
    with open_input(path, kind="job", advice=_ADVICE) as file:
        start = file.read(len(SIGNATURE))
        if start == SIGNATURE:
            return Source(document=read_job(path), folder=folder, run=read_run(path))
        text = start + file.read(_MAX_JOB_BYTES)
    return Source(document=parse_json(text), folder=folder)
