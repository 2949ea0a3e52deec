"""Reference pictures: what a region is to look like, in style and in what it shows."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import File, ModelName, OrNone, Real, Records, spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePicture:
    """A picture that is followed, wherever in it things lie."""

    image: str = spec(File(), "File of the picture")
    model: str | None = spec(
        OrNone(ModelName(), "the one that is known for the job's model"),
        "File of the IP-Adapter, or its name on the hub: owner/name/file.safetensors",
    )
    scale: float = spec(
        Real(0, 10), "How closely the picture is followed: 0 not at all, 1 fully", default=0.6
    )
    start: float = spec(
        Real(0, 1), "From which share of the steps on it is followed: 0 the first", default=0.0
    )
    end: float = spec(
        Real(0, 1), "Up to which share of the steps it is followed: 1 the last", default=1.0
    )


REFERENCES = Records(ReferencePicture, "reference")
"""A list of them."""
