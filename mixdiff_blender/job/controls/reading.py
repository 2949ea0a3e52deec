"""What of the settings makes a scene's control pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from ...contract import (
    Image2ImageRegion,
    Rectangle,
    Region,
    Text2ImageRegion,
)
from ...properties import OF_PICTURE, canvas_settings, region_settings
from ..regions.belonging import Belonging
from ..regions.empties import is_image_empty
from ..regions.entries import Source
from .pictures import SCENE_PICTURES
from .segment_classes import Colour
from .segments import Segments, background_colour, region_colour


def is_of_scene(control: Any) -> bool:
    """Return whether a control's picture is drawn from the scene."""
    return control.kind in SCENE_PICTURES and control.source != OF_PICTURE


def segments_of(
    scene: bpy.types.Scene, sources: Iterable[Source], regions: Iterable[Region]
) -> Segments:
    """Return the colour of each region, by its prompt or its name; `regions` are the job's."""
    by_id = {region.id: region for region in regions}
    colours = {
        source.id: region_colour(source.id, source.settings.prompt, source.name)
        for source in sources
        if source.settings.type in (Text2ImageRegion.TYPE, Image2ImageRegion.TYPE)
    }
    settings = canvas_settings(scene)
    things = [source for source in sources if source.id in colours and _is_thing(source)]
    numbers = {source.id: number for number, source in enumerate(things, start=1)}
    return Segments(
        number_of=Belonging(numbers, things).number_of,
        colours={number: colours[id_] for id_, number in numbers.items()},
        rectangles=tuple(_behind(sources, by_id, colours)),
        background=background_colour(settings.background_prompt),
    )


def _is_thing(source: Source) -> bool:
    obj = source.object
    if obj is None:
        return source.group is not None
    return not is_image_empty(obj) and not region_settings(obj).guide


def _behind(
    sources: Iterable[Source], by_id: dict[str, Region], colours: dict[str, Colour]
) -> Iterator[tuple[Rectangle, Colour]]:
    for source in sources:
        if source.id in colours and source.id in by_id and not _is_thing(source):
            yield by_id[source.id], colours[source.id]
