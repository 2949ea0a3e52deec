"""From a scene to a job: reads, never writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from ..contract import (
    EngineError,
    Job,
    JobError,
    ModelFacts,
    Problem,
    Region,
    Text2ImageRegion,
    validate,
    with_unique_names,
)
from ..properties import SCHEDULER_OF_MODEL, canvas_settings
from ..properties.declarations import label_of
from .base_pass import base_of
from .controls.pictures import SceneLook
from .controls.reading import segments_of
from .loras import loras_of, problems_of_loras
from .model_facts import facts_of_model, model_path, problems_of_model
from .model_settings import exact, followed_model, value_for
from .prompts import Words, filled
from .regions.background import background_of, free_of_silhouettes, whole_prompt
from .regions.camera import canvas_of
from .regions.depth_order import nearer_first
from .regions.entries import has_region
from .regions.entries import sources as sources_of
from .regions.reader import PictureToWrite, RegionReader
from .regions.region_bounds import RegionBounds
from .regions.sight import Aside
from .regions.silhouettes import Coverage
from .scene_words import doubts_about_fields, words_of

_LEAST_WINDOW_CELLS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneJob:
    """A scene's job, and what is needed to make it ready."""

    job: Job
    names: Mapping[str, str]
    """The name of each region by its id, those among them that the camera does not see."""
    own_weights: Mapping[str, float] = field(default_factory=dict)
    """The weight that each text region has of its own, before what depth makes of it, by its id."""
    images: Mapping[str, PictureToWrite] = field(default_factory=dict)
    """Pictures to be written, under these names, into the folder where the job's paths start."""
    silhouettes: Mapping[str, Coverage] = field(default_factory=dict)
    """What of its rectangle each region covers that covers what is seen of it, by its id."""
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the job."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that the job survives."""
        return tuple(p for p in self.problems if p.severity == "warning")

    def region(self, id_: str) -> Region | None:
        """Return a region of the job by its id; None where the camera does not see it."""
        return next((region for region in self.job.all_regions if region.id == id_), None)

    def problems_of(self, id_: str) -> tuple[Problem, ...]:
        """Return what is wrong or doubtful about a region."""
        name = self.names.get(id_)
        return tuple(p for p in self.problems if name and p.region == name)

    def write_images(self, folder: Path) -> None:
        """Write the pictures that are in no file of their own.

        Raises: EngineError of kind `picture` or `output`.
        """
        for name, wanted in self.images.items():
            wanted.write(folder / name)

    def or_raise(self) -> SceneJob:
        """Return this job.

        Raises: JobError where it cannot run, with its warnings too.
        """
        if self.errors:
            raise JobError(self.problems)
        return self


def field_in_words(problem: Problem, *, in_panels: bool = False) -> str:
    """Return where a problem lies: its region by its name, and the field as scripts call it.

    Panels call fields otherwise.
    """
    key = problem.field.rpartition("].")[2]
    field = label_of(key) if in_panels else key
    return ": ".join(part for part in (problem.region, field) if part)


def in_words(problem: Problem, *, in_panels: bool = False) -> str:
    """Return a problem as a sentence that names its region."""
    if problem.region and not problem.field:
        return f"{problem.region} {problem.message}; {problem.remedy}"
    return str(replace(problem, field=field_in_words(problem, in_panels=in_panels)))


def job_from_scene(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    *,
    changes: Mapping[str, Any] | None = None,
    aside: Aside | None = None,
) -> SceneJob:
    """Return the job that a scene describes, with what is wrong or doubtful about it.

    The regions stand in the order of the scene's list, after the background; `changes` replace
    values of the canvas, such as its seed; LoRAs among them are added to its own. With `aside`
    silhouettes may be those of a moment ago: it says so.

    Raises: EngineError of kind `job` where there is nothing to generate, or where the scene has
    regions and no camera that sees them.
    """
    changes = changes or {}
    settings = canvas_settings(scene)
    model = changes.get("model", settings.model)
    facts = facts_of_model(model)
    canvas = canvas_of(scene, facts)
    sources = [source for source in sources_of(scene) if source.settings.enabled]
    if not sources and not whole_prompt(settings):
        raise EngineError(
            "nothing to paint yet",
            kind="job",
            advice="type what the picture shows, or make what the camera sees a region",
        )
    look = SceneLook(scene, depsgraph, canvas)
    reader = RegionReader(scene, facts, look)
    # Without a region no camera is needed.
    if sources:
        reader.read(sources, RegionBounds(scene, depsgraph, sources, canvas, aside))
    regions, least_share = reader.regions, 1.0
    if settings.nearer_first:
        regions, least_share = nearer_first(regions, reader.far, canvas, reader.covered.keys())
    followed = followed_model(scene)
    guidance = value_for(settings, "guidance_scale", followed, facts)
    words = words_of(scene)
    free = free_of_silhouettes(canvas, regions, reader.covered)
    whole = background_of(
        settings,
        canvas,
        regions,
        guidance=guidance,
        least_share=least_share,
        words=words,
        free=free,
    )
    if whole is not None and whole.mask is not None and free is not None:
        reader.images[whole.mask] = free
    job = Job(
        model=model_path(settings.model),
        scheduler=facts.scheduler
        if settings.scheduler == SCHEDULER_OF_MODEL
        else settings.scheduler,
        num_inference_steps=value_for(settings, "num_inference_steps", followed, facts),
        seed=settings.seed,
        canvas_height=canvas.height_px,
        canvas_width=canvas.width_px,
        wrap="x" if canvas.is_panorama else settings.wrap,
        calm_poles_deg=exact(settings.calm_poles_deg) if canvas.is_panorama else 0.0,
        negative_prompt=filled(settings.negative_prompt, words),
        loras=loras_of(settings),
        regions=(*([whole] if whole else []), *regions),
        reroll_regions=tuple(reader.reroll_regions),
        prompt_syntax=settings.prompt_syntax,
        **base_of(settings, reader.prompts, guidance=guidance, words=words),
        controls=reader.canvas_controls(),
        references=reader.references(settings.references, None),
        max_region_px=largest_region_px(facts, settings.tile_size),
        windows=settings.windows,
        cpu_vae=settings.cpu_vae,
        decode_steps=settings.decode_steps,
        noise_device=settings.noise_device,
    )
    added = {**changes, "loras": (*job.loras, *changes.get("loras", ()))}
    job = with_unique_names(replace(job, **added))
    job = facts.in_windows(job, job.windows)
    look.segments = segments_of(scene, sources, job.regions)
    # Images are files later, or are looked at where they were named.
    problems = validate(job, folder=None, facts=facts)
    return SceneJob(
        job=job,
        names={**reader.names, **{region.id: region.name for region in job.all_regions}},
        own_weights={
            region.id: region.mask_weight
            for region in reader.regions
            if isinstance(region, Text2ImageRegion)
        },
        images=reader.images,
        silhouettes=reader.covered,
        problems=(
            *problems_of_model(model),
            *_doubts_about_fields(settings, words),
            *reader.problems,
            *problems,
            *problems_of_loras(job, facts),
        ),
    )


def _doubts_about_fields(settings: Any, words: Words) -> Iterator[Problem]:
    """Yield what is doubtful about the fields in prompts that belong to no region."""
    for name in ("background_prompt", "negative_prompt", "base_prompt"):
        text = getattr(settings, name)
        for message, remedy in doubts_about_fields(text, words):
            shown = {"field": name, "value": text, "message": message, "remedy": remedy}
            yield Problem(**shown, severity="warning")


def largest_region_px(facts: ModelFacts, tile_size: int) -> int:
    """Return the longest side of a region that is generated in one piece.

    The scene's tile size; where that is 0, what suits the model.
    """
    return max(tile_size or facts.largest_px, _LEAST_WINDOW_CELLS * facts.grid_px)


def has_something_to_generate(scene: bpy.types.Scene) -> bool:
    """Return whether a scene has a region, or a prompt for the whole picture."""
    return bool(whole_prompt(canvas_settings(scene))) or has_region(scene)
