"""Finding what has a name, and the nearest name where nothing has it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

from ..contract import EngineError

T = TypeVar("T")


def find_name(kind: str, name: str, known: Mapping[str, T]) -> T:
    """Return what has a name.

    Raises: EngineError of kind `name` that gives the nearest name there is.
    """
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    there = f"the nearest is {near[0]!r}" if near else f"there are {', '.join(map(repr, known))}"
    advice = there if known else f"there is no {kind} at all"
    raise EngineError(f"there is no {kind} {name!r}", kind="name", advice=advice)
