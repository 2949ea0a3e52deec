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
        digits = "".join(letter for letter in typed if letter in "0123456789").lstrip("0") or "0"
        number = min(int(digits[:20]), cast(int, SEED.maximum))
        kept = str(number) if any(letter.isdigit() for letter in typed) else ""
        if kept != typed:
            setattr(settings, name, kept)

    return clean


def seed_in(digits: str) -> Any:
    """Return the property that reads and sets, as a number or None, the seed in a field of digits.

    Setting it raises ValueError where the number can be no seed.
    """

    def read(settings: Any) -> int | None:
        kept: str = getattr(settings, digits)
        return int(kept) if kept else None

    def write(settings: Any, seed: int | None) -> None:
        if seed is not None and (complaint := SEED.complaint(seed)):
            raise ValueError(f"{complaint.message}; {complaint.remedy}, or None for a random one")
        setattr(settings, digits, "" if seed is None else str(seed))

    return property(read, write)
