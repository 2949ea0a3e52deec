"""Errors that name the input, say what was wrong and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

_SHOWN_VALUE_LENGTH = 80


def shown(value: object) -> str:
    """Return a value as it would stand in a job file, shortened to fit in a sentence."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN_VALUE_LENGTH else f"{text[:_SHOWN_VALUE_LENGTH]}…"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or doubtful) in a job, at the field it belongs to."""

    field: str
    value: str
    message: str
    remedy: str
    severity: Severity = "error"
    region: str = ""
    """The name of the region that it belongs to."""

    def __str__(self) -> str:
        path = f"{self.field}: " if self.field else ""
        return f"{path}{self.message}; {self.remedy}"

    def to_document(self) -> dict[str, str]:
        """Return the problem as plain values for the wire."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Problem:
        """Read back what `to_document` wrote."""
        severity: Severity = "warning" if document.get("severity") == "warning" else "error"
        keys = ("field", "value", "message", "remedy", "region")
        texts = {key: str(document.get(key, "")) for key in keys}
        return cls(severity=severity, **texts)


def warning(field: str, value: str, message: str, remedy: str, region: str = "") -> Problem:
    """Return a problem that a job survives."""
    return Problem(field, value, message, remedy, "warning", region)


class EngineError(Exception):
    """A failure with a kind that programs can tell apart and advice that people can follow.

    Kinds: `job`, `model`, `picture`, `output`, `device`, `memory`, `busy`, `cancelled`,
    `protocol`, `crashed`, `environment`, `network`, `disk`, `internal`.
    """

    def __init__(self, message: str, *, kind: str, advice: str = "") -> None:
        super().__init__(f"{message}; {advice}" if advice else message)
        self.message = message
        self.kind = kind
        self.advice = advice


class ModelError(EngineError):
    """A model that cannot be found, fetched or loaded."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(f"model: {message}", kind="model", advice=advice)


class JobError(EngineError, ValueError):
    """A job that cannot run, with all its problems at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems), kind="job")


class Cancelled(EngineError):  # noqa: N818
    """The user asked for the job to stop."""

    def __init__(self) -> None:
        super().__init__("the job was cancelled", kind="cancelled")


def first_line(error: BaseException) -> str:
    """Return how an exception's text begins, or its type where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
