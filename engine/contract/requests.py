"""The parameters of the worker's requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .devices import AUTO, DEVICES, DTYPES
from .kinds import Choice, Flag, OrNone, Real, Text, Whole, spec
from .parse import Findings, read_fields
from .protocol import INVALID_PARAMS, ProtocolError

_P = TypeVar("_P")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitializeParams:
    """What `initialize` takes, its limits apart."""

    protocol: int = spec(Whole(1), "the protocol's version")
    device: str = spec(Choice(DEVICES), "where to run", default=AUTO)
    dtype: str = spec(Choice(DTYPES), "the precision", default=AUTO)
    model: str | None = spec(
        OrNone(Text(required=True), "the bundled one"), "the model of jobs that name none"
    )
    log_file: str | None = spec(OrNone(Text(required=True), "none"), "a file for the log")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateParams:
    """What `generate` takes, its job apart."""

    output: str = spec(Text(required=True), "the picture's path")
    folder: str | None = spec(
        OrNone(Text(required=True), "the output's"), "where the job's paths start"
    )
    latents: str | None = spec(OrNone(Text(required=True), "none"), "the path of the latents")
    preview_every_s: float = spec(Real(0), "seconds between previews", default=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreloadParams:
    """What `preload` takes."""

    model: str | None = spec(OrNone(Text(required=True), "the default one"), "the model")
    folder: str = spec(Text(required=True), "where the model's path starts", default=".")
    only_libraries: bool = spec(
        Flag(), "whether to import what the model is made of and not load it", default=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateParams:
    """What `validate` takes, its job apart."""

    folder: str = spec(Text(required=True), "where the job's paths start", default=".")


def read_params(cls: type[_P], params: Mapping[str, Any], *, elsewhere: Sequence[str] = ()) -> _P:
    """Return a request's parameters; those named in `elsewhere` must be there too.

    Raises: ProtocolError with everything that is wrong.
    """
    findings = Findings()
    values = read_fields(cls, params, "params.", findings, elsewhere=elsewhere)
    for name in elsewhere:
        if name not in params:
            findings.error(f"params.{name}", None, "is missing", "add it")
    if findings.has_errors:
        raise ProtocolError(INVALID_PARAMS, "\n".join(str(p) for p in findings.problems))
    return cls(**values)
