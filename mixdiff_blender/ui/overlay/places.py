"""What is to be drawn of a job: one place for each rectangle that would be sent."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...contract import Image2ImageRegion, Text2ImageRegion
from ...job.job_from_scene import SceneJob

Colour = tuple[float, float, float]

IMAGE_COLOUR: Colour = (1.0, 1.0, 1.0)
REROLL_COLOUR: Colour = (1.0, 0.78, 0.0)
_GOLDEN = 0.618034
_FLAT = "constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A rectangle of the canvas, and how it looks."""

    name: str
    """The object's, or whatever else the region comes from."""
    label: str
    left: float
    right: float
    bottom: float
    top: float
    """Shares of the frame, from 0 to 1, counted from its lower left corner."""
    mask_type: str
    weight: float
    """Compared with the heaviest region's: 1 at the most."""
    colour: Colour


def text_colour(index: int) -> Colour:
    """Return the colour of a text region, the same as in the engine's `explain`."""
    return colorsys.hsv_to_rgb((0.58 + index * _GOLDEN) % 1, 0.75, 1.0)


def places_of(job: SceneJob) -> tuple[Place, ...]:
    """Return what is to be drawn of a job, in the order in which it is sent."""
    return tuple(_places(job))


def whole_places(places: Sequence[Place]) -> list[Place]:
    """Return one place for each region: a large one may be painted as several tiles.

    Of tiles, whose weights are not the region's own, no weight is told.
    """
    found: dict[str, Place] = {}
    for place in places:
        known = found.get(place.name)
        if known is None:
            found[place.name] = place
            continue
        found[place.name] = replace(
            known,
            label=place.name,
            left=min(known.left, place.left),
            right=max(known.right, place.right),
            bottom=min(known.bottom, place.bottom),
            top=max(known.top, place.top),
        )
    return list(found.values())


def _places(job: SceneJob) -> Iterator[Place]:
    document = job.document
    height, width = document["canvas_height"], document["canvas_width"]
    heaviest = max((r.get("mask_weight", 0.0) for r in document["regions"]), default=0.0) or 1.0
    colours: dict[str, Colour] = {}
    for kind in ("regions", "reroll_regions"):
        for number, region in enumerate(document[kind]):
            name = job.objects.get(f"{kind}[{number}]", "Background")
            text = kind == "regions" and region["type"] == Text2ImageRegion.TYPE
            if text:
                colour = colours.setdefault(name, text_colour(len(colours)))
            else:
                colour = IMAGE_COLOUR if kind == "regions" else REROLL_COLOUR
            yield Place(
                name=name,
                label=_label(name, region),
                left=region["col_init"] / width,
                right=region["col_end"] / width,
                bottom=1 - region["row_end"] / height,
                top=1 - region["row_init"] / height,
                mask_type=region["mask_type"] if text else _FLAT,
                weight=region["mask_weight"] / heaviest if text else 0.0,
                colour=colour,
            )


def _label(name: str, region: Any) -> str:
    match region.get("type"):
        case Text2ImageRegion.TYPE:
            weight = region["mask_weight"]
            return name if weight == 1 else f"{name} · {weight:g}"
        case Image2ImageRegion.TYPE:
            return f"{name} · {region['strength']:.0%}"
        case _:
            return f"{name} · reroll"
