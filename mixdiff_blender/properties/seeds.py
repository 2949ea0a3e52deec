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


def digits_of(seed: int | None) -> str:
    """Return a seed as digits, None as an empty text.

    Raises: ValueError where it can be no seed.
    """
    if seed is None:
        return ""
    if complaint := SEED.complaint(seed):
        raise ValueError(f"{complaint.message}; {complaint.remedy}, or None for a random one")
    return str(seed)
