"""From a scene to a job: reads, never writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import bpy

from ..contract import DEFAULT_STRIDE_PX, VERSION, EngineError, Job, JobError, Problem, check
from ..properties import SCHEDULER_OF_MODEL, canvas_settings
from ..storage.pictures import write_png
from .prompts import whole_picture_prompt
from .regions.background import background_of
from .regions.camera import canvas_of
from .regions.entries import has_region, switched_on
from .regions.places import Places
from .regions.reader import RegionReader
from .regions.tile_size import largest_region_px

_PLACE = re.compile(r"^(regions|reroll_regions)\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneJob:
    """A scene's job, and what is needed to speak of it in the scene's own names."""

    document: Mapping[str, Any]
    objects: Mapping[str, str]
    """The object's or layer's name for each place such as `regions[1]`."""
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
            write_png(image, folder / name)

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

    The regions stand in the order of the scene's list, after the background; `changes` replace
    values of the canvas, such as its seed.

    Raises: EngineError of kind `job` where there is nothing to paint, or where the scene has
    regions and no camera that sees them.
    """
    settings = canvas_settings(scene)
    canvas = canvas_of(scene)
    sources = list(switched_on(scene))
    if not sources and not whole_picture_prompt(settings.prompt):
        raise EngineError(
            f"the scene {scene.name!r} has neither a region nor a prompt for the whole picture",
            kind="job",
            advice="type a prompt; or select an object that the camera sees, and choose "
            "Object > Add as MixDiff Region",
        )
    model = str((changes or {}).get("model", settings.model))
    reader = RegionReader(settings.prompt, largest_region_px(model, settings.tile_size))
    # Without a region no camera is needed.
    placed = reader.place(sources, Places(scene, depsgraph, sources)) if sources else []
    if whole := background_of(settings, canvas, placed):
        reader.add_text(whole, "Background")
    for source, rectangle in placed:
        reader.read(source, rectangle)
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
        objects=reader.names,
        pictures=reader.pictures,
        problems=(*reader.problems, *found),
    )


def has_something_to_paint(scene: bpy.types.Scene) -> bool:
    """Tell whether a scene has a region, or a prompt for the whole picture."""
    return bool(whole_picture_prompt(canvas_settings(scene).prompt)) or has_region(scene)


def _model_name(name: str) -> str | None:
    name = name.strip()
    return bpy.path.abspath(name) if name.startswith("//") else name or None
