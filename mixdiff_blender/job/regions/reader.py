"""Reads one region after another into the lists of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import Field, asdict, dataclass, fields
from typing import Any, Literal

import bpy
import numpy as np

from ...contract import (
    File,
    Image2ImageRegion,
    OrNone,
    Problem,
    Rectangle,
    Region,
    RerollRegion,
    Text2ImageRegion,
    kind_of,
)
from ...properties import REROLL_TYPE
from ...storage.images import has_pixels, image_path, sequence_file
from ..prompts import region_prompt
from .entries import Source, unique_names
from .region_bounds import LeftOut, RegionBounds

_CLASSES: dict[str, type[Region]] = {
    Text2ImageRegion.TYPE: Text2ImageRegion,
    Image2ImageRegion.TYPE: Image2ImageRegion,
    REROLL_TYPE: RerollRegion,
}
_GIVEN = frozenset({*(f.name for f in fields(Rectangle)), "name", "id"})
_NO_FILE = "-"


def _exact(value: float) -> float:
    """Return a 32-bit number as a person typed it: 0.8, not 0.800000011920929."""
    return float(str(np.float32(value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedImage:
    """An image that is in no file of its own, and whether it is wanted for what it covers."""

    image: bpy.types.Image
    as_mask: bool


class RegionReader:
    """Reads regions into the lists of a job."""

    def __init__(self, root_prompt: str, frame: int) -> None:
        self.regions: list[Text2ImageRegion | Image2ImageRegion] = []
        self.reroll_regions: list[RerollRegion] = []
        self.names: dict[str, str] = {}
        """The name of each region by its id."""
        self.images: dict[str, WantedImage] = {}
        """Images to be written, under these names, where the job's paths start."""
        self.problems: list[Problem] = []
        self._root_prompt = root_prompt
        self._frame = frame

    def read(self, sources: Sequence[Source], bounds: RegionBounds) -> None:
        """Add the regions that lie on the canvas, and note why others do not."""
        self.names = unique_names(sources)
        for source in sources:
            rectangle = bounds.rectangle_of(source)
            if isinstance(rectangle, LeftOut):
                why = f"{rectangle.why} and is left out"
                self._complain(source, "", why, rectangle.remedy, severity="warning")
            else:
                self._add(source, rectangle)
                self._say_what_renders_differ_in(source)

    def _add(self, source: Source, rectangle: Rectangle) -> None:
        name, values = self.names[source.id], dict(self._values(source))
        match _CLASSES[source.settings.type](
            **asdict(rectangle), name=name, id=source.id, **values
        ):
            case RerollRegion() as region:
                self.reroll_regions.append(region)
            case Text2ImageRegion() | Image2ImageRegion() as region:
                self.regions.append(region)

    def _say_what_renders_differ_in(self, source: Source) -> None:
        for modifier in source.object.modifiers if source.object else ():
            if modifier.show_render != modifier.show_viewport:
                where = "renders" if modifier.show_render else "the viewport"
                message = (
                    f"is read as the viewport shows it: {modifier.name!r} is on in {where} alone"
                )
                self._complain(source, "", message, "switch it alike in both", severity="warning")

    def _values(self, source: Source) -> Iterator[tuple[str, Any]]:
        settings = source.settings
        hidden = set()  # what the panel does not show has no effect
        if settings.mask_type != "feather":
            hidden.add("feather_px")
        if settings.mask is None:
            hidden.add("mask_area")
        for declared in fields(_CLASSES[settings.type]):
            name = declared.name
            if name in (*_GIVEN, *hidden):
                continue
            if name == "prompt":
                # A layer of annotations is named after what it shows.
                yield name, region_prompt(self._root_prompt, settings.prompt or source.layer)
            elif name == "guidance_scale" and settings.randomize_guidance:
                yield name, None
            elif name == "negative_prompt":
                yield name, settings.negative_prompt or None
            elif _is_file(declared):
                yield name, self._file(getattr(settings, name), declared, source)
            else:
                value = getattr(settings, name)
                yield name, _exact(value) if isinstance(value, float) else value

    def _file(
        self, image: bpy.types.Image | None, declared: Field[Any], source: Source
    ) -> str | None:
        if image is None:
            if isinstance(kind_of(declared), OrNone):
                return None
            self._complain(source, declared.name, "has no picture", "choose one to start from")
            return _NO_FILE
        if path := image_path(image):
            return str(path)
        if image.source == "SEQUENCE":
            path = sequence_file(image, _frame_shown(image, source, self._frame))
            if not path.is_file():
                message = f"the sequence {image.name!r} has no picture {path.name} for this frame"
                self._complain(source, declared.name, message, "go to a frame that it has")
            return str(path)
        if complaint := _why_unreadable(image):
            self._complain(source, declared.name, *complaint)
        wanted = WantedImage(image=image, as_mask=declared.name == "mask")
        number = len(self.images) + 1
        known = next((name for name, other in self.images.items() if other == wanted), None)
        name = known or f"picture-{number}-{bpy.path.clean_name(image.name)}.png"
        self.images[name] = wanted
        return name

    def _complain(
        self,
        source: Source,
        key: str,
        message: str,
        remedy: str,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        name = self.names[source.id]
        where = {"field": key, "value": "" if key else name, "region": name}
        problem = Problem(**where, message=message, remedy=remedy, severity=severity)
        self.problems.append(problem)


def _frame_shown(image: bpy.types.Image, source: Source, frame: int) -> int:
    """Return which picture of a sequence a region's object shows at a frame."""
    shown: Any = source.object
    if shown is None or shown.type != "EMPTY" or shown.data != image:
        return frame
    user = shown.image_user
    last = max(user.frame_duration, 1) - 1
    since = frame - user.frame_start
    since = since % (last + 1) if user.use_cyclic else min(max(since, 0), last)
    return int(since + 1 + user.frame_offset)


def _why_unreadable(image: bpy.types.Image) -> tuple[str, str] | None:
    if image.source == "MOVIE":
        message = f"{image.name!r} is a movie, of which Blender gives no single picture"
        return message, "choose a sequence of pictures instead"
    if has_pixels(image):
        return None
    if image.type == "RENDER_RESULT":
        message = f"the pixels of {image.name!r} are out of reach"
        return message, "save it to a file (Image > Save As), and choose that"
    return (
        f"the picture {image.name!r} cannot be read ({image.filepath or 'no file'})",
        "find its file, or choose another picture",
    )


def _is_file(declared: Field[Any]) -> bool:
    match kind_of(declared):
        case File() | OrNone(kind=File()):
            return True
    return False
