"""Limits that keep a slip of the finger from filling the memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest canvas and the largest reference picture, in pixels."""

    max_canvas_px: int = 2**26
    max_picture_px: int = 2**27
