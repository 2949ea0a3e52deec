"""What the panel does, as functions for scripts and for the command line.

Import it as the module `scripting` of the extension, for example with
`from bl_ext.user_default.mixdiff import scripting`; see docs/scripting.md.

Every function takes the scene that is worked on unless it is given another one, by itself or by
its name, and raises `EngineError` with what is wrong and what to do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import bpy

from .backend import engine
from .backend.session import Outcome
from .contract import (
    Cancelled,
    EngineError,
    JobError,
    PresetFile,
    atomic_write,
    is_file,
    preset_file,
    to_document,
)
from .job import presets as _presets
from .job.frames import ShotFrames
from .job.job_from_scene import SceneJob, field_in_words, in_words, job_from_scene
from .job.naming import find_name
from .job.overrides import Overrides, changes_of, depsgraph_of, overridden
from .job.regions.entries import Source, list_object, sources
from .job.regions.entries import sync as _sync
from .job.regions.marking import can_be_region
from .properties import HistoryEntry, RegionSettings, canvas_settings, region_settings
from .properties.contexts import scene_in
from .results import again as _again
from .results import generation, history
from .results import passes as _passes
from .results import shot as shots
from .results.documents import job_of
from .results.shot_record import ShotRecord, newest, read_record
from .results.sources import with_kept_sources
from .storage import folders
from .storage import presets as _preset_files

__all__ = (
    "EngineError",
    "Frame",
    "JobError",
    "Overrides",
    "Picture",
    "Region",
    "Shot",
    "ShotFrames",
    "again",
    "explain",
    "export_job",
    "find_scene",
    "generate",
    "generate_range",
    "job",
    "mark",
    "presets",
    "problems",
    "regions",
    "save_preset",
    "unmark",
    "use_preset",
    "write_passes",
)

_EXPLAIN_S = 120.0

SceneOrName = bpy.types.Scene | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region as the job has it."""

    name: str
    """The object's, or the annotation layer's."""
    type: str
    enabled: bool
    prompt: str
    weight: float
    rectangles: tuple[tuple[int, int, int, int], ...]
    """Row of the top, row of the bottom, column of the left, column of the right, in pixels.

    None where the region is not in the job.
    """
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What was made."""

    image: bpy.types.Image
    file: Path | None
    """None where the picture is packed into a .blend that was never saved."""
    seed: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame of a shot."""

    time: float
    file: Path
    is_new: bool
    """Whether it was made now, not found as it would be made."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames that were made, or were there."""

    image: bpy.types.Image
    seed: int
    frames: tuple[Frame, ...]


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
    objects: Iterable[bpy.types.Object], *, scene: SceneOrName = None, **settings: Any
) -> None:
    """Make objects regions, and set what they ask for, such as `prompt="a road"`.

    The settings are those of `Object.mixdiff`, whose names are the job's.

    Raises: EngineError of kind `name` for a setting that there is not; of kind `job` for an object
    without a surface.
    """
    found = find_scene(scene)
    known = dict.fromkeys([*RegionSettings.__annotations__, "region_seed"])
    for name in settings:
        find_name("setting", name, known)
    for obj in objects:
        if not can_be_region(obj):
            raise EngineError(
                f"{obj.name!r} has no surface", kind="job", advice="use a plane or another mesh"
            )
        list_object(found, obj)
        for name, value in settings.items():
            setattr(region_settings(obj), name, value)


def unmark(objects: Iterable[bpy.types.Object], *, scene: SceneOrName = None) -> None:
    """Take objects off the list of regions; the objects and their settings stay."""
    found = find_scene(scene)
    listed = canvas_settings(found).regions
    gone = set(objects)
    for obj in gone:
        region_settings(obj).enabled = False
    for index in reversed(range(len(listed))):
        if listed[index].object in gone:
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

    `with_model` keeps the model too, with steps, sampler and guidance.

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
    return to_document(_runnable(_read(find_scene(scene), overrides)).job)


def export_job(path: Path | str, scene: SceneOrName = None, **overrides: Unpack[Overrides]) -> Path:
    """Write the job for the engine alone, with the pictures that it needs beside it.

    Raises: JobError where it cannot run; EngineError of kind `output`.
    """
    return _write_job(_runnable(_read(find_scene(scene), overrides)), _path(path))


def explain(path: Path | str, scene: SceneOrName = None, **overrides: Unpack[Overrides]) -> Path:
    """Draw where each region lies and how its weight fades, as a PNG; needs the engine.

    Raises: JobError where the job cannot run; EngineError of another kind where the engine cannot.
    """
    made = _runnable(_read(find_scene(scene), overrides))
    output = _path(path)
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


def write_passes(path: Path | str, scene: SceneOrName = None, result: str | None = None) -> Path:
    """Write each region's share of a result: an OpenEXR file, or a folder with a PNG a region.

    Of the result that is shown, or of the one with this name.

    Raises: EngineError where there is no such result, or it cannot be written.
    """
    found, output = find_scene(scene), _path(path)
    entry = _find_result(found, result)
    _passes.write(history.file_at(entry, found.frame_current), output)
    return output


def generate(
    scene: SceneOrName = None,
    *,
    output: Path | str | None = None,
    on_progress: Callable[[], None] = lambda: None,
    **overrides: Unpack[Overrides],
) -> Picture:
    """Make the scene's picture, and return when it is there.

    Without `output` the picture lies beside the .blend. Blender's window, if there is one, stands
    still meanwhile: `bpy.ops.mixdiff.generate()` is for windows.

    Raises: EngineError where there is no picture.
    """
    found = find_scene(scene)
    goal = None if output is None else _path(output)
    ends: list[Outcome] = []
    with overridden(found, overrides) as depsgraph:
        changes = changes_of(overrides)
        _runnable(job_from_scene(found, depsgraph, changes=changes))
        generation.begin(found, depsgraph, output=goal, changes=changes, then=ends.append)
    return _made(found, ends, on_progress)


def again(
    regions: Iterable[str] = (),
    scene: SceneOrName = None,
    *,
    mask: Path | str | None = None,
    prompt: str | None = None,
    strength: float = 0.0,
    seed: int | None = None,
    result: str | None = None,
    output: Path | str | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Picture:
    """Make a part of a result anew, and return when it is there; all around stays the same bytes.

    The part is regions of the result by their names, or what is white in a mask as large as the
    result, or what the mask covers of the regions. Prompts are the scene's as they are now, or
    `prompt`; `strength` says how much stays of the part, from 0 to 1. The result is the one that
    is shown, unless its name in the history is given.

    Raises: EngineError of kind `name` for a region or a result that there is not; of another kind
    where there is no picture.
    """
    found = find_scene(scene)
    entry = _find_result(found, result)
    known = {region.name: region for region in job_of(entry).regions}
    names = [find_name("region", name, known).name for name in regions]
    ends: list[Outcome] = []
    _again.begin(
        found,
        depsgraph_of(found),
        entry,
        names,
        mask=None if mask is None else _path(mask),
        strength=strength,
        seed=seed,
        prompt=prompt,
        output=None if output is None else _path(output),
        then=ends.append,
    )
    return _made(found, ends, on_progress)


def _find_result(scene: bpy.types.Scene, name: str | None) -> HistoryEntry:
    entries = {entry.name: entry for entry in canvas_settings(scene).history}
    shown = history.active_entry(scene)
    entry = shown if name is None else find_name("result", name, entries)
    if entry is None:
        raise EngineError("there is no result yet", kind="job", advice="generate a picture first")
    return entry


def _made(found: bpy.types.Scene, ends: list[Outcome], on_progress: Callable[[], None]) -> Picture:
    """Wait for a picture, and return it.

    Raises: EngineError where there is none.
    """
    engine.wait(on_progress)
    end = ends[0] if ends else EngineError("there is no picture", kind="internal")
    if isinstance(end, EngineError):
        raise end
    image = canvas_settings(found).result
    assert image is not None
    report = generation.last_report(found)
    lines = report.lines if report else ()
    return Picture(
        image=image,
        file=None if folders.is_unsaved(end.output) else end.output.resolve(),
        seed=end.document["seed"],
        warnings=tuple(line.text for line in lines if line.severity == "WARNING"),
    )


def generate_range(
    frames: str | ShotFrames,
    scene: SceneOrName = None,
    *,
    output: Path | str | None = None,
    resume: bool = False,
    on_progress: Callable[[], None] = lambda: None,
    **overrides: Unpack[Overrides],
) -> Shot:
    """Make frames such as `1-48`, `1-48:2` or `1-3:0.5`, and return when all are there.

    Without `output`, a file whose #### become a frame's number, they get a folder of their own
    beside the .blend. With `resume` the last shot of these frames is gone on with: what is there
    and would be just the same is kept.

    Raises: EngineError where not all frames are there; those that are stay.
    """
    found = find_scene(scene)
    wanted = frames if isinstance(frames, ShotFrames) else ShotFrames.read(frames)
    pattern = None if output is None else _path(output)
    record = _begun(found, wanted, pattern) if resume else None
    started = shots.begin(found, wanted, record=record, pattern=pattern, overrides=overrides)
    while not started.has_ended:
        engine.wait(on_progress)
        on_progress()
    if started.error is not None:
        raise started.error
    image = canvas_settings(found).result
    assert image is not None
    pictures = tuple(
        Frame(
            time=float(time),
            file=started.record.file(number).resolve(),
            is_new=number in started.made,
            warnings=started.warnings.get(number, ()),
        )
        for time, number in zip(wanted.times, wanted.numbers, strict=True)
    )
    return Shot(image=image, seed=started.record.seed, frames=pictures)


def _begun(scene: bpy.types.Scene, frames: ShotFrames, pattern: Path | None) -> ShotRecord | None:
    """Return the shot that is to be gone on with, None where there is none yet."""
    if pattern is None:
        return newest(folders.results_folder(scene), scene.name, frames)
    note = pattern.with_suffix(".json")
    return replace(read_record(note), frames=frames) if is_file(note) else None


def _read(scene: bpy.types.Scene, overrides: Overrides) -> SceneJob:
    with overridden(scene, overrides) as depsgraph:
        return job_from_scene(scene, depsgraph, changes=changes_of(overrides))


def _runnable(made: SceneJob) -> SceneJob:
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


def _path(path: Path | str) -> Path:
    """Return an absolute path; // is the .blend's folder, plain ones start where Blender did.

    Raises: EngineError of kind `output` where it holds bytes that are no letters.
    """
    named = str(path)
    start = bpy.data.filepath if named.startswith("//") else str(Path.cwd() / "-")
    found = folders.absolute(named, start)
    folders.require_letters(found)
    return found
