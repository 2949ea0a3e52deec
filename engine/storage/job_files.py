"""Jobs as people keep them: a job file, a grid configuration, or a PNG that the engine made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.contract.errors import EngineError
from engine.contract.parse import parse_json
from engine.storage.png import read_job_of_png

_MAX_JOB_BYTES = 64 * 2**20
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


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
    try:
        with path.open("rb") as file:
            start = file.read(len(_PNG_SIGNATURE))
            if start == _PNG_SIGNATURE:
                document, run = read_job_of_png(path)
                return Source(document=document, folder=folder, run=run)
            text = start + file.read(_MAX_JOB_BYTES)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        advice = "give a job file, a grid configuration, or a PNG that the engine made"
        raise EngineError(message, kind="job", advice=advice) from error
    return Source(document=parse_json(text), folder=folder)
