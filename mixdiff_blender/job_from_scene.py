"""From a scene to a job: reads, never writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

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
    region_settings,
)
from .regions.camera import canvas_of, view_of
from .regions.planes import WITH_SURFACE, bounds_of, rendered_objects
from .regions.projection import CanvasRectangle, on_canvas

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

    The regions stand in the order of their objects' names, which a person sees and can change;
    `changes` replace values of the canvas, such as its seed.

    Raises: EngineError of kind `job` where the scene has no camera to look through, or no region.
    """
    settings = canvas_settings(scene)
    canvas = canvas_of(scene)
    reader = _Reader(scene=scene, depsgraph=depsgraph)
    marked = region_objects(scene)
    if not marked:
        raise EngineError(
            f"no object of the scene {scene.name!r} is a region",
            kind="job",
            advice="select one that the camera sees, and choose Object > Add as MixDiff Region",
        )
    for obj in marked:
        reader.read(obj)
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
    """Return the objects that are regions, in the order of their names."""
    marked = [obj for obj in scene.objects if region_settings(obj).enabled]
    return sorted(marked, key=lambda obj: obj.name_full)


def _model_name(name: str) -> str | None:
    name = name.strip()
    return bpy.path.abspath(name) if name.startswith("//") else name or None


def _exact(value: float) -> float:
    """Return a 32-bit number as a person typed it: 0.8, not 0.800000011920929."""
    return float(str(np.float32(value)))


class _Reader:
    """Reads one object after another into the lists of a job."""

    def __init__(self, *, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        self.regions: list[dict[str, Any]] = []
        self.rerolls: list[dict[str, Any]] = []
        self.objects: dict[str, str] = {}
        self.pictures: dict[str, bpy.types.Image] = {}
        self.problems: list[Problem] = []
        self._depsgraph = depsgraph
        self._canvas = canvas_of(scene)
        self._view = view_of(scene, depsgraph)
        self._rendered = rendered_objects(cast(bpy.types.ViewLayer, depsgraph.view_layer))

    def read(self, obj: bpy.types.Object) -> None:
        rectangle = self._rectangle(obj)
        if rectangle is None:
            return
        settings = region_settings(obj)
        is_reroll = settings.type == REROLL_TYPE
        name, found = ("reroll_regions", self.rerolls) if is_reroll else ("regions", self.regions)
        place = f"{name}[{len(found)}]"
        self.objects[place] = obj.name
        values = dict(self._values(settings, place, obj))
        kind = {} if is_reroll else {"type": settings.type}
        found.append({**kind, **asdict(rectangle), **values})

    def _rectangle(self, obj: bpy.types.Object) -> CanvasRectangle | None:
        if obj not in self._rendered:
            self._leave_out(obj, "is hidden from the render", "show it, or switch its region off")
            return None
        if obj.type not in WITH_SURFACE:
            self._leave_out(obj, "has no surface", "use a plane or another mesh")
            return None
        bounds = bounds_of(obj, self._depsgraph, self._view)
        if bounds is None:
            remedy = "move it into the view, or switch its region off"
            self._leave_out(obj, "is not in the camera's view", remedy)
            return None
        return on_canvas(bounds, self._canvas)

    def _leave_out(self, obj: bpy.types.Object, why: str, remedy: str) -> None:
        self.problems.append(
            Problem(
                field="",
                value=obj.name,
                message=f"{obj.name} {why} and is left out",
                remedy=remedy,
                severity="warning",
            )
        )

    def _values(
        self, settings: RegionSettings, place: str, obj: bpy.types.Object
    ) -> Iterator[tuple[str, Any]]:
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
                yield name, self._picture(settings.reference_image, place, obj)
            else:
                value = getattr(settings, name)
                yield name, _exact(value) if isinstance(value, float) else value

    def _picture(self, image: bpy.types.Image | None, place: str, obj: bpy.types.Object) -> str:
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
