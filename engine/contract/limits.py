"""Limits that keep a slip of the finger from filling the memory."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import Whole, spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest canvas and the largest reference picture, in pixels."""

    max_canvas_px: int = spec(Whole(1), "pixels of the largest canvas", default=2**26)
    max_picture_px: int = spec(Whole(1), "pixels of the largest reference picture", default=2**27)
