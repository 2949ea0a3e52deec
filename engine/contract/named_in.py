"""The files and the models that a job names, wherever in it: listed, and changed to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

from .kinds import File, ModelName, OrNone, Record, Records, kind_of

_T = TypeVar("_T")


def files_of(record: Any) -> Iterator[str]:
    """Yield the files that a job, or a part of one, names; its model is none of them."""
    for declared in fields(record):
        value = getattr(record, declared.name)
        match kind_of(declared):
            case File() | OrNone(kind=File()) if value is not None:
                yield value
            case Record() if value is not None:
                yield from files_of(value)
            case Records():
                for one in value:
                    yield from files_of(one)


def with_files(record: _T, change: Callable[[str], str]) -> _T:
    """Return a job, or a part of one, with each file that it names changed to another."""
    return _with_names(record, File, change)


def with_models(record: _T, change: Callable[[str], str]) -> _T:
    """Return a job, or a part of one, with each model that it names changed to another."""
    return _with_names(record, ModelName, change)


def _with_names(record: _T, of: type[File | ModelName], change: Callable[[str], str]) -> _T:
    changes: dict[str, Any] = {}
    for declared in fields(record):  # type: ignore[arg-type]
        value, kind = getattr(record, declared.name), kind_of(declared)
        if isinstance(kind, of) or (isinstance(kind, OrNone) and isinstance(kind.kind, of)):
            changes[declared.name] = value if value is None else change(value)
        elif isinstance(kind, Record) and value is not None:
            changes[declared.name] = _with_names(value, of, change)
        elif isinstance(kind, Records):
            changes[declared.name] = tuple(_with_names(one, of, change) for one in value)
    return replace(record, **changes)  # type: ignore[type-var]
