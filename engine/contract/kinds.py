"""What a field of a job may hold: one small type per kind of value, each with its own check.

The same declarations serve the validation and the add-on's properties.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field
from typing import Any, Protocol

from .errors import shown


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a value, and what would be right."""

    message: str
    remedy: str


class Kind(Protocol):
    """A kind of value."""

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""


_LONGEST_NAME = 255  # bytes, of a file on the systems that people use


def nearest(word: str, known: Sequence[str]) -> str:
    """Return advice that names the known word closest to the given one."""
    plain = re.sub(r"[\s-]+", "_", word.strip().lower().replace("++", "pp"))
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(known)}"


def _bounds_complaint(value: float, minimum: float, maximum: float | None) -> Complaint | None:
    if value < minimum:
        what = "is negative" if minimum == 0 else f"is below {minimum}"
    elif maximum is not None and value > maximum:
        what = f"is above {maximum}"
    else:
        return None
    bounds = f"{minimum} or more" if maximum is None else f"a number from {minimum} to {maximum}"
    return Complaint(f"{shown(value)} {what}", f"use {bounds}")


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both included; without the second it has no end."""

    minimum: int
    maximum: int | None = None

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        if isinstance(value, bool) or not isinstance(value, int):
            whole = isinstance(value, float) and value.is_integer()
            remedy = f"write {int(value)}" if whole else "use a whole number"  # type: ignore[call-overload]
            return Complaint(f"{shown(value)} is not a whole number", remedy)
        return _bounds_complaint(value, self.minimum, self.maximum)


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number between two bounds, both included; without the second it has no end."""

    minimum: float
    maximum: float | None = None

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Complaint(f"{shown(value)} is not a number", "use a number")
        if isinstance(value, float) and not math.isfinite(value):
            return Complaint(f"{shown(value)} is not a finite number", "use an ordinary number")
        return _bounds_complaint(value, self.minimum, self.maximum)


@dataclass(frozen=True, slots=True)
class Text:
    """A text; where `required`, not an empty one."""

    required: bool = False

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        if not isinstance(value, str):
            return Complaint(f"{shown(value)} is not a text", "write it in quotes")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            return Complaint("the text holds half of a character (a lone surrogate)", "remove it")
        if "\0" in value:
            return Complaint("the text holds a null character", "remove it")
        if self.required and not value.strip():
            return Complaint("the text is empty", "write something, or leave the key out")
        return None


@dataclass(frozen=True, slots=True)
class File:
    """A file by its path; a relative one starts where its document lies."""

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        return Text(required=True).complaint(value)


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model: `bundled`, a hub id, or a folder or file by its path."""

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        complaint = Text(required=True).complaint(value)
        if complaint or not isinstance(value, str):
            return complaint
        if max(len(part.encode()) for part in re.split(r"[/\\]", value)) > _LONGEST_NAME:
            return Complaint(
                f"{shown(value)} has a part of more than {_LONGEST_NAME} letters",
                "no file is called so: give a folder, a file, or a hub id",
            )
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed list of words."""

    options: tuple[str, ...]

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        if isinstance(value, str) and value in self.options:
            return None
        advice = nearest(value if isinstance(value, str) else "", self.options)
        return Complaint(f"{shown(value)} is not known", advice)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        if isinstance(value, bool):
            return None
        return Complaint(f"{shown(value)} is neither true nor false", "write true or false")


@dataclass(frozen=True, slots=True)
class OrNone:
    """A kind whose absence (null) has a meaning of its own."""

    kind: Whole | Real | Text | Choice | File | ModelName
    meaning: str

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        found = None if value is None else self.kind.complaint(value)
        return found and Complaint(found.message, f"{found.remedy}, or null for {self.meaning}")


@dataclass(frozen=True, slots=True)
class Records:
    """A list of records: of one class, or of the class that the key `type` of each names."""

    of: type | Mapping[str, type]
    called: str = "region"
    """What one of them is."""

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the list itself, or None."""
        if isinstance(value, list | tuple):
            return None
        return Complaint(f"{shown(value)} is not a list", f"write a list of {self.called}s")


@dataclass(frozen=True, slots=True)
class Record:
    """A record of one class, or null for none."""

    of: type

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the record as a whole, or None."""
        if value is None or isinstance(value, Mapping):
            return None
        return Complaint(f"{shown(value)} is no object", "write an object in braces, or null")


@dataclass(frozen=True, slots=True)
class Names:
    """A list of names of regions."""

    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the list or one of its names, or None."""
        if not isinstance(value, list | tuple):
            return Complaint(f"{shown(value)} is not a list", "write a list of regions' names")
        return next(filter(None, (Text(required=True).complaint(one) for one in value)), None)


def spec(kind: Kind, doc: str, *, default: object = MISSING) -> Any:
    """Declare a dataclass field: its kind, what it does to the picture, its default.

    What may be None is None unless it says otherwise.
    """
    if default is MISSING and isinstance(kind, OrNone):
        default = None
    return field(default=default, metadata={"kind": kind, "doc": doc})


def kind_of(declared: Field[Any]) -> Kind:
    """Return the kind that `spec` declared."""
    kind: Kind = declared.metadata["kind"]
    return kind
