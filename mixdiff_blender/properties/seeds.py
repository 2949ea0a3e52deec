"""Seeds as digits: they may be larger than Blender's whole numbers, and may be left to chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import bpy

from ..contract import SEED


def only_digits(name: str) -> Callable[[Any, bpy.types.Context], None]:
    """Return an update function that leaves in a field only what can be a seed."""

    def clean(settings: Any, context: bpy.types.Context) -> None:
        typed: str = getattr(settings, name)
        seed = _seed_of(typed)
        kept = "" if seed is None else str(seed)
        if kept != typed:
            setattr(settings, name, kept)

    return clean


def _seed_of(text: str) -> int | None:
    """Return the seed that a text holds, whatever stands between its digits."""
    digits = "".join(letter for letter in text if letter in "0123456789")
    return min(int(digits.lstrip("0")[:20] or 0), cast(int, SEED.maximum)) if digits else None


def seed_in(digits: str) -> Any:
    """Return the property that reads and sets, as a number or None, the seed in a field of digits.

    Setting it raises ValueError where the number can be no seed.
    """

    def read(settings: Any) -> int | None:
        return _seed_of(getattr(settings, digits))  # which a file may bring with anything in it

    def write(settings: Any, seed: int | None) -> None:
        if seed is not None and (complaint := SEED.complaint(seed)):
            raise ValueError(f"{complaint.message}; {complaint.remedy}, or None for a random one")
        setattr(settings, digits, "" if seed is None else str(seed))

    return property(read, write)
