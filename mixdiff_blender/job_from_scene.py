"""From a scene to a job: reads, never writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .contract import (
    DEFAULT_STRIDE_PX,
    VERSION,
    EngineError,
    Image2ImageRegion,
    Job,
    JobError,
    Problem,
    RerollRegion,
    Text2ImageRegion,
    check,
)
from .pictures import has_pixels, picture_path, write_png
from .properties import (
    REROLL_TYPE,
    SCHEDULER_OF_MODEL,
    RegionSettings,
    canvas_settings,
)
from .regions.entries import Source, switched_on
from .regions.places import LeftOut, Places
from .regions.projection import CanvasRectangle

_PLACE = re.compile(r"^(regions|reroll_regions)\[\d+\]")
_KINDS = {
    Text2ImageRegion.TYPE: Text2ImageRegion,
    Image2ImageRegion.TYPE: Image2ImageRegion,
    REROLL_TYPE: RerollRegion,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneJob:
    """A scene's job, and what is needed to speak of it in the scene's own names."""

    document: Mapping[str, Any]
    objects: Mapping[str, str]
    """The object's name for each place such as `regions[1]`."""
    pictures: Mapping[str, bpy.types.Image] = field(default_factory=dict)
    """Images to be written, under these names, into the folder where the job's paths start."""
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the job."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that the job survives."""
        return tuple(p for p in self.problems if p.severity == "warning")

    def object_of(self, problem: Problem) -> str | None:
        """Return the name of the object that a problem belongs to."""
        place = _PLACE.match(problem.field)
        return self.objects.get(place[0]) if place else None

    def told(self, problem: Problem) -> str:
        """Return a problem in words that name its object."""
        name = self.object_of(problem)
        if name is None:
            return str(problem)
        key = _PLACE.sub("", problem.field).lstrip(".")
        place = f"{name}: {key}" if key else name
        return f"{place}: {problem.message}; {problem.remedy}"

    def write_pictures(self, folder: Path) -> None:
        """Write the images that are in no file of their own.

        Raises: EngineError of kind `picture` or `output`.
        """
        for name, image in self.pictures.items():
            try:
                write_png(image, folder / name)
            except OSError as error:
                message = f"{folder / name} cannot be written: {error.strerror or error}"
                advice = "make room there, or choose another folder"
                raise EngineError(message, kind="output", advice=advice) from error

    def or_raise(self) -> SceneJob:
        """Return this job.

        Raises: JobError where it cannot run.
        """
        if self.errors:
            raise JobError(self.errors)
        return self


def job_from_scene(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    *,
    changes: Mapping[str, Any] | None = None,
) -> SceneJob:
    """Return the job that a scene describes, with what is wrong or doubtful about it.

    The regions stand in the order of the scene's list; `changes` replace values of the canvas, such
    as its seed.

    Raises: EngineError of kind `job` where the scene has no camera to look through, or no region.
    """
    settings = canvas_settings(scene)
    reader = _Reader(Places(scene, depsgraph))
    canvas = reader.canvas
    marked = list(switched_on(scene))
    if not marked:
        raise EngineError(
            f"no object of the scene {scene.name!r} is a region",
            kind="job",
            advice="select one that the camera sees, and choose Object > Add as MixDiff Region",
        )
    for source in marked:
        reader.read(source)
    document: dict[str, Any] = {
        "version": VERSION,
        "model": _model_name(settings.model),
        "scheduler": None if settings.scheduler == SCHEDULER_OF_MODEL else settings.scheduler,
        "num_inference_steps": settings.num_inference_steps,
        "seed": settings.seed,
        "canvas_height": canvas.height_px,
        "canvas_width": canvas.width_px,
        "negative_prompt": settings.negative_prompt,
        "regions": reader.regions,
        "reroll_regions": reader.rerolls,
        "cpu_vae": settings.cpu_vae,
        "decode_steps": settings.decode_steps,
        "noise_device": settings.noise_device,
    }
    assert set(document) == {f.name for f in fields(Job)}
    document.update(changes or {})
    found = check(document, folder=None, stride_px=DEFAULT_STRIDE_PX).problems
    return SceneJob(
        document=document,
        objects=reader.objects,
        pictures=reader.pictures,
        problems=(*reader.problems, *found),
    )


def region_objects(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Return the objects that are regions, in the job's order."""
    return [source.object for source in switched_on(scene) if source.object is not None]


def _model_name(name: str) -> str | None:
    name = name.strip()
    return bpy.path.abspath(name) if name.startswith("//") else name or None


def _exact(value: float) -> float:
    """Return a 32-bit number as a person typed it: 0.8, not 0.800000011920929."""
    return float(str(np.float32(value)))


class _Reader:
    """Reads one object after another into the lists of a job."""

    def __init__(self, places: Places) -> None:
        self.regions: list[dict[str, Any]] = []
        self.rerolls: list[dict[str, Any]] = []
        self.objects: dict[str, str] = {}
        self.pictures: dict[str, bpy.types.Image] = {}
        self.problems: list[Problem] = []
        self.canvas = places.canvas
        self._places = places

    def read(self, source: Source) -> None:
        rectangle = self._places.rectangle_of(source)
        if isinstance(rectangle, LeftOut):
            self._leave_out(source.name, rectangle)
            return
        settings = source.settings
        is_reroll = settings.type == REROLL_TYPE
        name, found = ("reroll_regions", self.rerolls) if is_reroll else ("regions", self.regions)
        place = f"{name}[{len(found)}]"
        self.objects[place] = source.name
        values = dict(self._values(settings, place))
        kind = {} if is_reroll else {"type": settings.type}
        found.append({**kind, **asdict(rectangle), **values})

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

    def _values(self, settings: RegionSettings, place: str) -> Iterator[tuple[str, Any]]:
        sides = {f.name for f in fields(CanvasRectangle)}
        for declared in fields(_KINDS[settings.type]):
            name = declared.name
            if name in sides:
                continue
            if name == "guidance_scale" and settings.randomize_guidance:
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
