"""A scene's regions and job: marked, listed, exported, drawn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import bpy

from ..backend import engine
from ..contract import (
    Cancelled,
    EngineError,
    JobError,
    PresetFile,
    atomic_write,
    preset_file,
    to_document,
)
from ..job import presets as _presets
from ..job.job_from_scene import SceneJob, field_in_words, in_words, job_from_scene
from ..job.naming import find_name
from ..job.overrides import Overrides, changes_of, overridden
from ..job.regions.entries import Group, Source, group_of, list_object, sources
from ..job.regions.entries import sync as _sync
from ..job.regions.marking import can_be_region, gathered, mark_group
from ..properties import LISTS, RegionSettings, canvas_settings, region_settings
from ..properties.contexts import scene_in
from ..results import control_pictures
from ..results.sources import with_kept_sources
from ..storage import folders
from ..storage import presets as _preset_files

_EXPLAIN_S = 120.0

SceneOrName = bpy.types.Scene | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region as the job has it."""

    name: str
    """That of the object, the collection, the material or the annotation layer."""
    type: str
    enabled: bool
    prompt: str
    weight: float
    rectangles: tuple[tuple[int, int, int, int], ...]
    """Row of the top, row of the bottom, column of the left, column of the right, in pixels.

    None where the region is not in the job.
    """
    problems: tuple[str, ...]


def find_scene(scene: SceneOrName = None) -> bpy.types.Scene:
    """Return a scene by its name, or the one that is worked on.

    Raises: EngineError of kind `name` that gives the nearest name there is.
    """
    if scene is None:
        return scene_in(bpy.context)
    if isinstance(scene, bpy.types.Scene):
        return scene
    return find_name("scene", scene, {item.name: item for item in bpy.data.scenes})


def mark(
    objects: Iterable[bpy.types.Object | Group],
    *,
    scene: SceneOrName = None,
    together: bool = False,
    **settings: Any,
) -> None:
    """Make objects, collections or materials regions, and set what they ask for, such as a prompt.

    The settings are those of `Object.mixdiff`, whose names are the job's; of references, controls
    and LoRAs a list with the values of each. A collection or a material is one region with the
    shape Silhouette. `together` makes one of all the objects: of a new collection that holds them,
    and that lies in no scene.

    Raises: EngineError of kind `name` for a setting that there is not; of kind `job` for an object
    without a surface.
    """
    found = find_scene(scene)
    known = dict.fromkeys([*RegionSettings.__annotations__, "region_seed"])
    for name in settings:
        find_name("setting", name, known)
    marked = list(objects)
    singles = [thing for thing in marked if isinstance(thing, bpy.types.Object)]
    for obj in singles:
        if not can_be_region(obj):
            raise EngineError(
                f"{obj.name!r} has no surface", kind="job", advice="use a plane or another mesh"
            )
    if together and singles:
        marked = [thing for thing in marked if thing not in singles] + [gathered(found, singles)]
    for thing in marked:
        asked = _marked(found, thing)
        for name, value in settings.items():
            _set(asked, name, value)


def _set(settings: Any, name: str, value: Any) -> None:
    """Set what a region asks for; of a list the values of each line, in place of what it holds."""
    if name not in LISTS:
        setattr(settings, name, value)
        return
    lines: Any = getattr(settings, name)
    lines.clear()
    for values in value:
        line = lines.add()
        for key, one in values.items():
            setattr(line, key, one)


def _marked(scene: bpy.types.Scene, thing: bpy.types.Object | Group) -> RegionSettings:
    if not isinstance(thing, bpy.types.Object):
        return mark_group(scene, thing).settings
    list_object(scene, thing)
    return region_settings(thing)


def unmark(objects: Iterable[bpy.types.Object | Group], *, scene: SceneOrName = None) -> None:
    """Take objects, collections or materials off the list of regions.

    They stay, and what objects ask for.
    """
    found = find_scene(scene)
    listed = canvas_settings(found).regions
    gone = set(objects)
    for obj in gone:
        if isinstance(obj, bpy.types.Object):
            region_settings(obj).enabled = False
    for index in reversed(range(len(listed))):
        if listed[index].object in gone or group_of(listed[index]) in gone:
            listed.remove(index)
    _sync(found)


def presets() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(_preset_files.known_presets().by_name)


def use_preset(preset: str | PresetFile, scene: SceneOrName = None) -> tuple[str, ...]:
    """Set what a preset says, by its name or from its file, and return what is doubtful about it.

    Raises: EngineError of kind `name` for a name that there is not; of kind `preset` for a file
    that is none.
    """
    file = _presets.find_preset(preset)
    _presets.use_preset(find_scene(scene), file.preset)
    return tuple(map(str, file.warnings))


def save_preset(
    name: str, scene: SceneOrName = None, *, with_model: bool = True, replace: bool = False
) -> Path:
    """Keep the scene's style under a name, and return the file.

    `with_model` keeps the model too, with steps, sampler, guidance and the base pass.

    Raises: EngineError of kind `preset` where the name is taken, unless it replaces that one.
    """
    preset = _presets.preset_of(find_scene(scene), name, with_model=with_model)
    return _preset_files.save(preset_file(preset), replace=replace)


def regions(scene: SceneOrName = None, **overrides: Unpack[Overrides]) -> tuple[Region, ...]:
    """Return the scene's regions in the job's order, those that are switched off among them."""
    found = find_scene(scene)
    try:
        made = _read(found, overrides)
    except EngineError:  # a scene without a camera has regions all the same
        made = None
    return tuple(_region(source, made) for source in sources(found))


def _region(source: Source, made: SceneJob | None) -> Region:
    seen = made.region(source.id) if made else None
    problems = made.problems_of(source.id) if made else ()
    return Region(
        name=source.name,
        type=source.settings.type,
        enabled=source.settings.enabled,
        prompt=source.settings.prompt,
        weight=source.settings.mask_weight,
        rectangles=(seen.bounds,) if seen else (),
        problems=tuple(f"{problem.message}; {problem.remedy}" for problem in problems),
    )


def problems(scene: SceneOrName = None, **overrides: Unpack[Overrides]) -> tuple[str, ...]:
    """Return all that is wrong or doubtful about the scene's job, errors first."""
    try:
        made = _read(find_scene(scene), overrides)
    except EngineError as error:
        return (str(error),)
    return tuple(in_words(problem) for problem in (*made.errors, *made.warnings))


def job(scene: SceneOrName = None, **overrides: Unpack[Overrides]) -> dict[str, Any]:
    """Return the job that the scene describes, as it would be sent.

    Raises: JobError where it cannot run, with every problem.
    """
    return to_document(runnable(_read(find_scene(scene), overrides)).job)


def export_job(path: Path | str, scene: SceneOrName = None, **overrides: Unpack[Overrides]) -> Path:
    """Write the job for the engine alone, with the pictures that it needs beside it.

    Raises: JobError where it cannot run; EngineError of kind `output`.
    """
    return _write_job(runnable(_read(find_scene(scene), overrides)), absolute(path))


def write_control(kind: str, path: Path | str, scene: SceneOrName = None) -> Path:
    """Write what a scene gives for a control as a PNG: its depth, normal, edges or segmentation.

    Raises: EngineError of kind `name` for another kind; of kind `job` without a camera; `output`.
    """
    found, goal = find_scene(scene), absolute(path)
    with overridden(found, {}) as depsgraph:
        control_pictures.write_control(found, depsgraph, kind, goal)
    return goal


def explain(path: Path | str, scene: SceneOrName = None, **overrides: Unpack[Overrides]) -> Path:
    """Draw where each region lies and how its weight fades, as a PNG; needs the engine.

    Raises: JobError where the job cannot run; EngineError of another kind where the engine cannot.
    """
    made = runnable(_read(find_scene(scene), overrides))
    output = absolute(path)
    document = folders.session_folder() / "explain.json"
    end_s = time.monotonic() + _EXPLAIN_S
    lines = engine.output_of(
        ("explain", str(document), "--output", str(output)),
        kind="output",
        is_cancelled=lambda: time.monotonic() > end_s,
    )
    _write_job(made, document)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        for _ in lines:
            pass
    except (OSError, Cancelled) as error:
        why = "it takes too long" if isinstance(error, Cancelled) else error
        raise EngineError(
            f"the engine could not draw the job: {why}",
            kind="environment",
            advice="try again; if it stays so, install the engine anew",
        ) from error
    return output


def _read(scene: bpy.types.Scene, overrides: Overrides) -> SceneJob:
    with overridden(scene, overrides) as depsgraph:
        return job_from_scene(scene, depsgraph, changes=changes_of(overrides))


def runnable(made: SceneJob) -> SceneJob:
    """Return a job.

    Raises: JobError in the scene's own names where it cannot run.
    """
    if made.errors:
        raise JobError(replace(p, field=field_in_words(p)) for p in made.errors)
    return made


def _write_job(made: SceneJob, path: Path) -> Path:
    written = folders.new_job_folder()
    made.write_images(written)
    job = with_kept_sources(made.job, written, path.parent)
    text = json.dumps(to_document(job), indent=2, ensure_ascii=False) + "\n"
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))
    return path


def absolute(path: Path | str) -> Path:
    """Return an absolute path; // is the .blend's folder, plain ones start where Blender did.

    Raises: EngineError of kind `output` where it holds bytes that are no letters.
    """
    named = str(path)
    start = bpy.data.filepath if named.startswith("//") else str(Path.cwd() / "-")
    found = folders.absolute(named, start)
    folders.require_letters(found)
    return found
