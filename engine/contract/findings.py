"""Problems collected while a document is read, and the checks that every reader shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from .errors import JobError, Problem, shown
from .job import Job
from .kinds import Complaint, kind_of, nearest
from .limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found; the job is there unless a problem is an error."""

    job: Job | None
    problems: tuple[Problem, ...]

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not stop the job."""
        return tuple(p for p in self.problems if p.severity == "warning")

    def job_or_raise(self) -> Job:
        """Return the job.

        Raises: JobError with every problem where one is an error.
        """
        if self.job is None:
            raise JobError(p for p in self.problems if p.severity == "error")
        return self.job


@dataclass(slots=True, kw_only=True)
class Findings:
    """Collects problems while a document is read."""

    problems: list[Problem] = field(default_factory=list)

    def error(self, place: str, value: object, message: str, remedy: str) -> None:
        """Note a problem that stops the job."""
        self.problems.append(
            Problem(field=place, value=shown(value), message=message, remedy=remedy)
        )

    def warn(self, place: str, value: object, message: str, remedy: str) -> None:
        """Note a problem that the job survives."""
        self.problems.append(
            Problem(
                field=place, value=shown(value), message=message, remedy=remedy, severity="warning"
            )
        )

    def complain(self, place: str, value: object, complaint: Complaint | None) -> bool:
        """Note a kind's complaint, if there is one; tell whether there was none."""
        if complaint:
            self.error(place, value, complaint.message, complaint.remedy)
        return complaint is None

    @property
    def has_errors(self) -> bool:
        """Whether something was found that stops the job."""
        return any(p.severity == "error" for p in self.problems)

    def checked(self, job: Job | None) -> Checked:
        """Return the outcome."""
        return Checked(job=None if self.has_errors else job, problems=tuple(self.problems))


def read_fields(
    cls: type,
    document: Mapping[str, Any],
    place: str,
    findings: Findings,
    *,
    elsewhere: Sequence[str] = (),
    written: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the values of a dataclass's declared fields, those that are right.

    `elsewhere` are known keys that the caller reads itself; `written` says under which other
    key a document gave a field. A field that the document leaves out is left out here too.
    """
    written = written or {}
    declared = {f.name: f for f in fields(cls) if "kind" in f.metadata}
    for key in document:
        if key not in declared and key not in elsewhere:
            known = [*declared, *elsewhere]
            findings.error(
                place + str(key), document[key], "is not known", nearest(str(key), known)
            )
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        at = place + written.get(name, name)
        if name not in document:
            if declaration.default is MISSING:
                findings.error(at, None, "is missing", f"add it: {declaration.metadata['doc']}")
            continue
        value = document[name]
        if findings.complain(at, value, kind_of(declaration).complaint(value)):
            values[name] = value
    return values


def check_multiple(place: str, value: int, stride_px: int, findings: Findings) -> None:
    """Note where a coordinate or a size is not on the grid of latent cells."""
    if value % stride_px:
        nearby = max(1, (value + stride_px // 2) // stride_px) * stride_px
        findings.error(place, value, f"{value} is not a multiple of {stride_px}", f"try {nearby}")


def check_canvas_size(
    place: str, height_px: int, width_px: int, limits: Limits, findings: Findings
) -> None:
    """Note where a canvas has more pixels than allowed."""
    if height_px * width_px > limits.max_canvas_px:
        findings.error(
            place,
            [height_px, width_px],
            f"a canvas of {width_px} × {height_px} pixels is over the limit of "
            f"{limits.max_canvas_px} pixels",
            "make it smaller, or raise the limit (max_canvas_px)",
        )


def check_sides(
    values: Mapping[str, Any], place: str, sizes: Mapping[str, Any], stride_px: int, found: Findings
) -> None:
    """Note where a rectangle's sides are off the grid, outside the canvas or reversed.

    `sizes` holds canvas_height and canvas_width where they are known.
    """
    for axis, size_name in (("row", "canvas_height"), ("col", "canvas_width")):
        init, end = values.get(f"{axis}_init"), values.get(f"{axis}_end")
        size = sizes.get(size_name)
        for side, value in (("init", init), ("end", end)):
            if value is None:
                continue
            at = f"{place}{axis}_{side}"
            check_multiple(at, value, stride_px, found)
            if size is not None and value > size:
                message = f"{value} lies outside the canvas, whose {size_name} is {size}"
                found.error(at, value, message, f"use {size} or less")
        if init is not None and end is not None and end <= init:
            message = f"{end} is not greater than {axis}_init, which is {init}"
            remedy = "swap them" if end < init else f"try {init + stride_px}"
            found.error(f"{place}{axis}_end", end, message, remedy)
