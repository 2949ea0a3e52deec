"""Pictures of a scene: made, made again in part, frame by frame, and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import bpy

from ..backend import engine
from ..backend.states import Outcome
from ..contract import (
    EngineError,
    is_file,
)
from ..job.frames import ShotFrames
from ..job.job_from_scene import job_from_scene
from ..job.naming import find_name
from ..job.overrides import Overrides, changes_of, depsgraph_of, overridden
from ..properties import HistoryEntry, canvas_settings
from ..results import again as _again
from ..results import enlarging as _enlarging
from ..results import generation, history
from ..results import passes as _passes
from ..results import shot as shots
from ..results.documents import job_of
from ..results.shot_record import ShotRecord, newest, read_record
from ..storage import folders
from .scenes import SceneOrName, absolute, find_scene, runnable


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


def write_passes(path: Path | str, scene: SceneOrName = None, result: str | None = None) -> Path:
    """Write each region's share of a result: an OpenEXR file, or a folder with a PNG a region.

    Of the result that is shown, or of the one with this name.

    Raises: EngineError where there is no such result, or it cannot be written.
    """
    found, output = find_scene(scene), absolute(path)
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
    goal = None if output is None else absolute(output)
    ends: list[Outcome] = []
    with overridden(found, overrides) as depsgraph:
        changes = changes_of(overrides)
        runnable(job_from_scene(found, depsgraph, changes=changes))
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
        mask=None if mask is None else absolute(mask),
        strength=strength,
        seed=seed,
        prompt=prompt,
        output=None if output is None else absolute(output),
        then=ends.append,
    )
    return _made(found, ends, on_progress)


def enlarge(
    scale: float = 2.0,
    scene: SceneOrName = None,
    *,
    strength: float | None = None,
    steps: int | None = None,
    seed: int | None = None,
    picture: Path | str | None = None,
    result: str | None = None,
    output: Path | str | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Picture:
    """Make a result so many times as large, and return when it is there.

    `strength` says how much of it stays, from 0 to 1, instead of the scene's; `picture` is another
    than its own, such as the same one, retouched. The result is the one that is shown, unless its
    name in the history is given.

    Raises: EngineError of kind `name` for a result that there is not; of another kind where there
    is no picture.
    """
    found = find_scene(scene)
    ends: list[Outcome] = []
    _enlarging.begin(
        found,
        _find_result(found, result),
        scale,
        strength=canvas_settings(found).enlarge_strength if strength is None else strength,
        steps=steps,
        seed=seed,
        picture=None if picture is None else absolute(picture),
        output=None if output is None else absolute(output),
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
    keep_made: bool = False,
    on_progress: Callable[[], None] = lambda: None,
    **overrides: Unpack[Overrides],
) -> Shot:
    """Make frames such as `1-48`, `1-48:2` or `1-3:0.5`, and return when all are there.

    Without `output`, a file whose #### become a frame's number, they get a folder of their own
    beside the .blend. With `resume` the last shot of these frames is gone on with: what is there
    and would be just the same is kept; what would not is made again, or with `keep_made` kept too,
    and the frame's warnings say what is other now.

    Raises: EngineError where not all frames are there; those that are stay.
    """
    found = find_scene(scene)
    wanted = frames if isinstance(frames, ShotFrames) else ShotFrames.read(frames)
    pattern = None if output is None else absolute(output)
    record = _begun(found, wanted, pattern) if resume else None
    started = shots.begin(
        found, wanted, record=record, pattern=pattern, overrides=overrides, keep_made=keep_made
    )
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
