"""Reads one region after another into the lists of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import Field, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Protocol

import bpy

from ...contract import (
    Control,
    File,
    Image2ImageRegion,
    ModelFacts,
    OrNone,
    Problem,
    Rectangle,
    ReferencePicture,
    Region,
    RegionControl,
    RerollRegion,
    Text2ImageRegion,
    is_file,
    kind_of,
    name_for,
)
from ...properties import REROLL_TYPE, WINDOWS_OF_CANVAS, canvas_settings
from ...storage.images import (
    frame_of_sequence,
    has_pixels,
    image_path,
    is_as_in_file,
    sequence_file,
    write_mask,
    write_picture,
)
from ..controls.pictures import SceneLook
from ..controls.reading import is_of_scene
from ..loras import loras_of
from ..model_facts import model_path
from ..model_settings import exact, followed_model, value_for
from ..prompts import escaped, filled, region_prompt, whole_picture_prompt
from ..references import references_of
from ..scene_words import doubts_about_fields, words_of
from .entries import Source, unique_names
from .region_bounds import Place, RegionBounds
from .shapes import has_mask_picture, has_silhouette
from .silhouettes import Coverage
from .visibility import LeftOut

_CLASSES: dict[str, type[Region]] = {
    Text2ImageRegion.TYPE: Text2ImageRegion,
    Image2ImageRegion.TYPE: Image2ImageRegion,
    REROLL_TYPE: RerollRegion,
}
_CONTROL_IMAGE = next(field for field in fields(Control) if field.name == "image")
_REFERENCE_IMAGE = next(field for field in fields(ReferencePicture) if field.name == "image")
_AS_MASKS = ("mask", "strength_map")
"""The pictures of which it counts how bright they are."""
_GIVEN = frozenset({*(f.name for f in fields(Rectangle)), "name", "id"})
_NO_FILE = "-"
_AS_THE_MASK = "constant"
_LONGEST_NAME = 48  # letters, of which some take four bytes of the 255 that a file's name has


class PictureToWrite(Protocol):
    """A picture that a job names and that is in no file yet."""

    def is_read(self) -> bool:
        """Read what needs Blender's thread; return whether the rest does not."""

    def write(self, path: Path) -> None:
        """Write it as a PNG.

        Raises: EngineError of kind `picture` or `output`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedImage:
    """An image that the engine finds in no file as Blender shows it."""

    image: bpy.types.Image
    scene: bpy.types.Scene
    as_mask: bool
    """Whether it is wanted for what it covers."""
    frame: Path | None = None
    """Of a sequence, the file of the picture that is wanted."""

    def is_read(self) -> bool:
        """Return that Blender has to write it."""
        return False

    def write(self, path: Path) -> None:
        """Write it as a PNG.

        Raises: EngineError of kind `picture` or `output`.
        """
        with (
            frame_of_sequence(self.image, self.frame)
            if self.frame
            else nullcontext(self.image) as image
        ):
            if self.as_mask:
                write_mask(image, path)
            else:
                write_picture(image, path, self.scene)


class RegionReader:
    """Reads regions into the lists of a job."""

    def __init__(self, scene: bpy.types.Scene, used: ModelFacts, look: SceneLook) -> None:
        """`used` is the job's model, which need not be the scene's; `look` draws its controls."""
        self._canvas = canvas_settings(scene)
        self.regions: list[Text2ImageRegion | Image2ImageRegion] = []
        self.reroll_regions: list[RerollRegion] = []
        self.names: dict[str, str] = {}
        """The name of each region by its id."""
        self.images: dict[str, PictureToWrite] = {}
        """Pictures to be written, under these names, where the job's paths start."""
        self.prompts: list[str] = []
        """What each text region shows by itself, without the style of all."""
        self.far: dict[str, float] = {}
        """How far from the camera the last of each region is, by its id."""
        self.covered: dict[str, Coverage] = {}
        """What of its rectangle each region covers that has a silhouette, by its id."""
        self.problems: list[Problem] = []
        self._scene, self._look = scene, look
        self._root_prompt = canvas_settings(scene).prompt
        self._followed, self._used = followed_model(scene), used

    def read(self, sources: Sequence[Source], bounds: RegionBounds) -> None:
        """Add the regions that lie on the canvas, and note why others do not."""
        self.names = unique_names(sources)
        for source in sources:
            place = bounds.place_of(source)
            if isinstance(place, LeftOut):
                why = f"{place.why} and is left out"
                self._complain(source, "", why, place.remedy, severity="warning")
            else:
                self._add(source, place)
                self.far[source.id] = place.far
                self._say_what_has_no_prompt(source)
                for doubt in bounds.doubts_about(source):
                    self._complain(source, "", *doubt, severity="warning")

    def canvas_controls(self) -> tuple[Control, ...]:
        """Return what the whole picture is held to."""
        return tuple(Control(**values) for values in self._controls(self._canvas.controls, None))

    def references(self, listed: Any, source: Source | None) -> tuple[ReferencePicture, ...]:
        """Return the pictures of a list that are followed, by one region or by all."""

        def file_of(image: bpy.types.Image | None) -> str:
            return self._file(image, _REFERENCE_IMAGE, source) or _NO_FILE

        return tuple(references_of(listed, self._used, file_of))

    def _controls(self, listed: Any, source: Source | None) -> Iterator[dict[str, Any]]:
        """Yield the values of a list's controls that are on, for one region or for all."""
        for control in listed:
            if not control.enabled:
                continue
            is_drawn = is_of_scene(control)
            if is_drawn:
                image = self._name_for(self._look.picture(control.kind), control.kind)
            else:
                image = self._file(control.image, _CONTROL_IMAGE, source) or _NO_FILE
            own = {} if source is None else {"area": "canvas" if is_drawn else control.area}
            model = name_for(model_path(control.model), control.kind, self._used)
            numbers = {key: exact(getattr(control, key)) for key in ("scale", "start", "end")}
            yield {"kind": control.kind, "image": image, "model": model, **numbers, **own}

    def _add(self, source: Source, place: Place) -> None:
        name, values = self.names[source.id], dict(self._values(source))
        if place.coverage is not None:
            values |= self._silhouette(source, place.coverage)
        match _CLASSES[source.settings.type](
            **asdict(place.rectangle), name=name, id=source.id, **values
        ):
            case RerollRegion() as region:
                self.reroll_regions.append(region)
            case Text2ImageRegion() | Image2ImageRegion() as region:
                self.regions.append(region)
                if isinstance(region, Text2ImageRegion):
                    self.prompts.append(filled(_own_prompt(source), words_of(self._scene, source)))

    def _silhouette(self, source: Source, coverage: Coverage) -> dict[str, Any]:
        """Return the values of a region that covers what is seen of it."""
        self.covered[source.id] = coverage
        values = {"mask": self._name_for(coverage, f"shape of {self.names[source.id]}")}
        if source.settings.type == Text2ImageRegion.TYPE:  # whose soft edge the mask has
            values["mask_type"] = _AS_THE_MASK
        return values

    def _say_what_has_no_prompt(self, source: Source) -> None:
        settings = source.settings
        is_text = settings.type == Text2ImageRegion.TYPE
        if not is_text or settings.prompt.strip() or source.layer:
            return
        if whole_picture_prompt(self._root_prompt):  # without which the contract says so
            message = "has no prompt and shows the style alone"
            self._complain(source, "", message, "type one", severity="warning")

    def _values(self, source: Source) -> Iterator[tuple[str, Any]]:
        settings = source.settings
        hidden = set()  # what the panel does not show has no effect
        if settings.mask_type != "feather" or has_silhouette(source):
            hidden.add("feather_px")
        if not has_mask_picture(settings):
            hidden |= {"mask", "mask_area"}
        elif settings.mask is None:
            hidden.add("mask_area")
        for declared in fields(_CLASSES[settings.type]):
            name = declared.name
            if name in (*_GIVEN, *hidden):
                continue
            if name == "prompt":
                text = region_prompt(self._root_prompt, _own_prompt(source))
                yield name, self._filled(text, name, source)
            elif name == "guidance_scale" and settings.randomize_guidance:
                yield name, None
            elif name == "guidance_scale":
                # What nobody has listed yet is to be as it will be then.
                owner = settings if settings.is_property_set(name) else self._canvas
                yield name, value_for(owner, name, self._followed, self._used)
            elif name == "windows" and settings.windows == WINDOWS_OF_CANVAS:
                yield name, None
            elif name == "controls":
                listed = self._controls(settings.controls, source)
                yield name, tuple(RegionControl(**values) for values in listed)
            elif name == "references":
                yield name, self.references(settings.references, source)
            elif name == "negative_prompt":
                text = settings.negative_prompt
                yield name, self._filled(text, name, source) if text else None
            elif name == "loras":
                yield name, loras_of(settings)
            elif _is_file(declared):
                yield name, self._file(getattr(settings, name), declared, source)
            else:
                yield name, exact(getattr(settings, name))

    def _filled(self, text: str, key: str, source: Source) -> str:
        words = words_of(self._scene, source)
        for doubt in doubts_about_fields(text, words):
            self._complain(source, key, *doubt, severity="warning")
        return filled(text, words)

    def _file(
        self, image: bpy.types.Image | None, declared: Field[Any], source: Source | None
    ) -> str | None:
        if image is None:
            if isinstance(kind_of(declared), OrNone):
                return None
            is_start = declared.name == "reference_image"
            remedy = (
                "choose one to start from" if is_start else "choose one, or take it off the list"
            )
            self._complain(source, declared.name, "has no picture", remedy)
            return _NO_FILE
        if path := image_path(image):
            return str(path)
        is_mask, frame = declared.name in _AS_MASKS, None
        if image.source == "SEQUENCE":
            frame = sequence_file(image, _frame_shown(image, source, self._scene.frame_current))
            if not is_file(frame):
                message = f"the sequence {image.name!r} has no picture {frame.name} for this frame"
                self._complain(source, declared.name, message, "go to a frame that it has")
                return str(frame)
            if is_as_in_file(image, frame):
                return str(frame)
        elif complaint := _why_unreadable(image, is_mask=is_mask):
            self._complain(source, declared.name, *complaint)
        wanted = WantedImage(image=image, scene=self._scene, as_mask=is_mask, frame=frame)
        return self._name_for(wanted, image.name)

    def _name_for(self, wanted: PictureToWrite, called: str) -> str:
        """Return the name under which a picture will be written."""
        number = len(self.images) + 1
        known = next((name for name, other in self.images.items() if other == wanted), None)
        name = known or f"picture-{number}-{bpy.path.clean_name(called)[:_LONGEST_NAME]}.png"
        self.images[name] = wanted
        return name

    def _complain(
        self,
        source: Source | None,
        key: str,
        message: str,
        remedy: str,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        name = "" if source is None else self.names[source.id]
        where = {"field": key, "value": "" if key else name, "region": name}
        problem = Problem(**where, message=message, remedy=remedy, severity=severity)
        self.problems.append(problem)


def _own_prompt(source: Source) -> str:
    """Return a region's prompt; a layer of annotations is named after what it shows."""
    prompt: str = source.settings.prompt
    return prompt or escaped(source.layer)


def _frame_shown(image: bpy.types.Image, source: Source | None, frame: int) -> int:
    """Return which picture of a sequence a region's object shows at a frame."""
    shown: Any = source and source.object
    if shown is None or shown.type != "EMPTY" or shown.data != image:
        return frame
    user = shown.image_user
    last = max(user.frame_duration, 1) - 1
    since = frame - user.frame_start
    since = since % (last + 1) if user.use_cyclic else min(max(since, 0), last)
    return int(since + 1 + user.frame_offset)


def _why_unreadable(image: bpy.types.Image, *, is_mask: bool) -> tuple[str, str] | None:
    if image.source == "MOVIE":
        message = f"{image.name!r} is a movie, of which Blender gives no single picture"
        return message, "choose a sequence of pictures instead"
    if image.source == "TILED" and len(image.tiles) > 1:
        message = f"{image.name!r} is made of {len(image.tiles)} tiles (UDIM), of which none is it"
        return message, "choose the file of one tile"
    if image.type == "RENDER_RESULT":
        if not is_mask:
            return None  # whether there is a render shows when it is written
        message = f"the pixels of {image.name!r} are out of reach for a mask"
        return message, "save it to a file (Image > Save As), and choose that"
    if has_pixels(image):
        return None
    return (
        f"the picture {image.name!r} cannot be read ({image.filepath or 'no file'})",
        "find its file, or choose another picture",
    )


def _is_file(declared: Field[Any]) -> bool:
    match kind_of(declared):
        case File() | OrNone(kind=File()):
            return True
    return False
