"""Controls: pictures that what is generated holds to, each through a ControlNet.

Source: Zhang, Rao and Agrawala, arXiv 2302.05543.
"""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import Choice, File, ModelName, OrNone, Real, spec

DEPTH, NORMAL, EDGES, SEGMENTS = "depth", "normal", "edges", "segmentation"
CONTROL_KINDS = (DEPTH, NORMAL, EDGES, SEGMENTS, "pose", "scribble", "other")
"""What control pictures show; those of the kind `other` need a model that is named."""
CONTROL_AREAS = ("region", "canvas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A picture of the whole canvas that is held to."""

    kind: str = spec(Choice(CONTROL_KINDS), "What the picture shows")
    image: str = spec(File(), "File of the picture")
    model: str | None = spec(
        OrNone(ModelName(), "the one that is known for the job's model"),
        "Folder, file or hub id of the ControlNet",
    )
    scale: float = spec(
        Real(0, 10), "How strongly the picture is held to: 0 not at all, 1 fully", default=1.0
    )
    start: float = spec(
        Real(0, 1), "From which share of the steps on it is held to: 0 the first", default=0.0
    )
    end: float = spec(
        Real(0, 1), "Up to which share of the steps it is held to: 1 the last", default=1.0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionControl(Control):
    """A picture that one region is held to, in place of the canvas's of its kind."""

    area: str = spec(
        Choice(CONTROL_AREAS),
        "What the picture is laid over: the region, or the whole canvas",
        default="region",
    )
