"""What a job takes of an earlier picture: parts that stay, or all of it enlarged, to start from."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import File, Names, OrNone, Real, spec

STRENGTH = 0.65
"""How much of a picture stays that is enlarged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An earlier picture that stays as it is, but for what is made anew."""

    picture: str = spec(File(), "File of the earlier picture, as large as the canvas")
    regions: tuple[str, ...] = spec(
        Names(),
        "Names of the regions that are made anew; none where the mask alone says what is",
        default=(),
    )
    mask: str | None = spec(
        OrNone(File(), "all of the regions"),
        "Greyscale picture as large as the canvas: white is made anew, black stays. Of regions "
        "that are named, only what is white is made anew",
    )
    strength: float = spec(
        Real(0, 1),
        "How much of the earlier picture stays in what is made anew: 0 nothing, 1 everything",
        default=0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPass:
    """An earlier picture that the canvas starts from, so that the pass adds what size lacks."""

    picture: str = spec(File(), "File of the earlier picture, of any size: it is enlarged")
    strength: float = spec(
        Real(0, 1),
        "How much of the earlier picture stays: 0 nothing, 1 everything. The steps, all of them, "
        "begin with noise for the rest",
        default=STRENGTH,
    )
