"""Reads one region after another into the lists of a job."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import bpy
import numpy as np

from ...contract import (
    DEFAULT_STRIDE_PX,
    Image2ImageRegion,
    Problem,
    RerollRegion,
    Text2ImageRegion,
    random_guidance,
    region_to_document,
    split,
)
from ...properties import REROLL_TYPE, RegionSettings
from ...storage.pictures import has_pixels, picture_path
from ..prompts import region_prompt
from .entries import Source
from .places import LeftOut, Places
from .projection import CanvasRectangle

_KINDS = {
    Text2ImageRegion.TYPE: Text2ImageRegion,
    Image2ImageRegion.TYPE: Image2ImageRegion,
    REROLL_TYPE: RerollRegion,
}


def _exact(value: float) -> float:
    """Return a 32-bit number as a person typed it: 0.8, not 0.800000011920929."""
    return float(str(np.float32(value)))


class RegionReader:
    """Reads one region after another into the lists of a job."""

    def __init__(self, root_prompt: str, largest_px: int) -> None:
        self.regions: list[dict[str, Any]] = []
        self.rerolls: list[dict[str, Any]] = []
        self.names: dict[str, str] = {}
        """The name in the scene for each place such as `regions[1]`."""
        self.pictures: dict[str, bpy.types.Image] = {}
        """Images to be written, under these names, where the job's paths start."""
        self.problems: list[Problem] = []
        self._root_prompt = root_prompt
        self._largest_px = largest_px

    def place(
        self, sources: Sequence[Source], places: Places
    ) -> list[tuple[Source, CanvasRectangle]]:
        """Return those regions that have a place on the canvas, and note why others have none."""
        found = []
        for source in sources:
            rectangle = places.rectangle_of(source)
            if isinstance(rectangle, LeftOut):
                self._leave_out(source.name, rectangle)
            else:
                found.append((source, rectangle))
        return found

    def read(self, source: Source, rectangle: CanvasRectangle) -> None:
        """Add one region."""
        settings = source.settings
        place = f"regions[{len(self.regions)}]"
        values = {**asdict(rectangle), **dict(self._values(settings, place, source))}
        if settings.type == Text2ImageRegion.TYPE:
            self.add_text(Text2ImageRegion(**values), source.name)
        elif settings.type == REROLL_TYPE:
            self._add_reroll(RerollRegion(**values), source.name)
        else:
            self._add(Image2ImageRegion(**values), source.name)

    def add_text(self, region: Text2ImageRegion, name: str) -> None:
        """Add a region with a prompt, as tiles where it is larger than the model paints well."""
        tiles, own_noise = split(region, self._largest_px, DEFAULT_STRIDE_PX)
        if len(tiles) > 1 and region.guidance_scale is None:
            guidance = random_guidance(random.Random())  # noqa: S311
            tiles = [replace(tile, guidance_scale=guidance) for tile in tiles]
        for tile in tiles:
            self._add(tile, name)
        for reroll in own_noise:
            self._add_reroll(reroll, name)

    def _add(self, region: Text2ImageRegion | Image2ImageRegion, name: str) -> None:
        self.names[f"regions[{len(self.regions)}]"] = name
        self.regions.append(region_to_document(region))

    def _add_reroll(self, region: RerollRegion, name: str) -> None:
        self.names[f"reroll_regions[{len(self.rerolls)}]"] = name
        self.rerolls.append(region_to_document(region))

    def _leave_out(self, name: str, reason: LeftOut) -> None:
        self.problems.append(
            Problem(
                field="",
                value=name,
                message=f"{name} {reason.why} and is left out",
                remedy=reason.remedy,
                severity="warning",
            )
        )

    def _values(
        self, settings: RegionSettings, place: str, source: Source
    ) -> Iterator[tuple[str, Any]]:
        sides = {f.name for f in fields(CanvasRectangle)}
        for declared in fields(_KINDS[settings.type]):
            name = declared.name
            if name in sides:
                continue
            if name == "prompt":
                # A layer of annotations is named after what it shows.
                yield name, region_prompt(self._root_prompt, settings.prompt or source.layer)
            elif name == "guidance_scale" and settings.randomize_guidance:
                yield name, None
            elif name == "negative_prompt":
                yield name, settings.negative_prompt or None
            elif name == "reference_image":
                yield name, self._picture(settings.reference_image, place)
            else:
                value = getattr(settings, name)
                yield name, _exact(value) if isinstance(value, float) else value

    def _picture(self, image: bpy.types.Image | None, place: str) -> str:
        if image is None:
            self._complain(place, "has no picture", "choose one to start from")
            return "-"
        if path := picture_path(image):
            return str(path)
        if not has_pixels(image):
            message = f"the picture {image.name!r} cannot be read ({image.filepath or 'no file'})"
            self._complain(place, message, "find its file, or choose another picture")
        number = len(self.pictures) + 1
        known = next((name for name, other in self.pictures.items() if other == image), None)
        name = known or f"picture-{number}-{bpy.path.clean_name(image.name)}.png"
        self.pictures[name] = image
        return name

    def _complain(self, place: str, message: str, remedy: str) -> None:
        field_name = f"{place}.reference_image"
        self.problems.append(Problem(field=field_name, value="", message=message, remedy=remedy))
