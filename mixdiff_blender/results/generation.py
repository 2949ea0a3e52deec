"""From a scene's job to a picture in Blender, and a report of how it went."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import bpy

from ..backend import engine, measured
from ..backend.states import HERE, Done, JobRequest, Outcome, Skipped
from ..backend.states import Job as QueuedJob
from ..contract import (
    EngineError,
    Job,
    JobError,
    Problem,
    to_document,
)
from ..job.job_from_scene import SceneJob, in_words, job_from_scene
from ..job.model_facts import facts_of_model
from ..job.regions.camera import view_of
from ..job.regions.entries import sync
from ..job.regions.projection import CameraView
from ..properties import HistoryEntry
from ..storage import folders
from . import history, snapshots
from .documents import JobContext, context_of, is_made_by
from .sources import require_own_pictures, with_kept_sources

Severity = Literal["INFO", "WARNING", "ERROR"]
Then = Callable[[Outcome], None]
Keep = Callable[[bpy.types.Scene, Path, Mapping[str, Any], JobContext], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing to report."""

    severity: Severity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the last job of a scene went."""

    scene_name: str
    lines: tuple[Line, ...]
    error: EngineError | None = None
    """Why there is no picture."""

    @property
    def text(self) -> str:
        """Everything, what went wrong first."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRef:
    """The scene that a picture is for, which may be gone when the picture is there."""

    scene_name: str
    scene_uid: int
    blend: str

    @classmethod
    def of(cls, scene: bpy.types.Scene) -> SceneRef:
        """Return the target for a scene."""
        uid: int = scene.session_uid
        return cls(scene_name=scene.name, scene_uid=uid, blend=bpy.data.filepath)

    def find(self) -> bpy.types.Scene | None:
        """Return the scene, also after undo or after its file was opened again."""
        for scene in bpy.data.scenes:
            if scene.session_uid == self.scene_uid and scene.name == self.scene_name:
                return scene
        if self.blend and self.blend == bpy.data.filepath:
            return bpy.data.scenes.get(self.scene_name)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingJob:
    """A job that is ready to be sent, and what its end needs to know."""

    job: Job
    folder: Path
    """Where the job's relative paths start."""
    context: JobContext
    warnings: tuple[Problem, ...] = ()
    keep: Keep = history.add
    """What adds the picture to its scene."""
    is_part: bool = False
    """Whether it is a part of something that reports its end itself."""
    place: str = HERE
    """Where it is to be made."""


_last: Report | None = None


def last_report(scene: bpy.types.Scene) -> Report | None:
    """Return how the last job of a scene went."""
    return _last if _last and _last.scene_name == scene.name else None


def begin(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    *,
    output: Path | None = None,
    changes: Mapping[str, Any] | None = None,
    then: Then | None = None,
) -> None:
    """Begin to make a scene's picture; `last_report` tells how it went once the engine is through.

    While other pictures are being made it waits for its turn.
    `changes` replace values of the job; without `output` the picture gets a name of its own;
    `then` is called once the picture stands in the scene, or there is none.

    Raises: EngineError where it cannot begin; the report has the same in the scene's words.
    """
    send(scene, prepare(scene, depsgraph, changes=changes), output=output, then=then)


def prepare(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    *,
    changes: Mapping[str, Any] | None = None,
) -> PendingJob:
    """Read a scene's job, and write the pictures that it needs.

    Raises: EngineError where it cannot run; the report has the same in the scene's words.
    """
    sync(scene)  # so that every region has the id by which it is known later
    read: SceneJob | None = None
    try:
        read = job_from_scene(scene, depsgraph, changes=changes).or_raise()
        folder = folders.new_job_folder()
        read.write_images(folder)
    except EngineError as error:
        set_report(scene.name, error_lines(error), error)
        raise
    context = JobContext(snapshot=snapshots.snapshot(scene), view=_view_of(scene, depsgraph))
    return PendingJob(job=read.job, folder=folder, context=context, warnings=read.warnings)


def _view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView | None:
    try:
        return view_of(scene, depsgraph)
    except EngineError:
        return None  # a prompt for the whole picture needs no camera


def begin_variation(
    scene: bpy.types.Scene,
    entry: HistoryEntry,
    regions: Collection[str],
    *,
    mode: str,
    noise_eps: float,
    then: Then | None = None,
) -> None:
    """Begin to make a result again with the same seed, but another start in some regions.

    Regions are given by their ids, or by their names where the result knows no ids.

    Raises: EngineError where it cannot begin; the report has the same.
    """
    job = history.varied(entry, regions, mode=mode, noise_eps=noise_eps)
    what = history.variation_text(entry, regions, mode=mode)
    send(scene, from_result(scene, entry, job, what), then=then)


def from_result(scene: bpy.types.Scene, entry: HistoryEntry, job: Job, what: str) -> PendingJob:
    """Return a job that was made from a result's, ready to be sent.

    `what` says how its result differs.

    Raises: EngineError of kind `picture` where it names pictures elsewhere; the report has the
    same.
    """
    file = history.path_of(entry)
    own = [file.parent] if is_made_by(entry, file) else []
    own += [Path(bpy.data.filepath).parent] if bpy.data.filepath else []
    try:
        require_own_pictures(job, file.parent, [*own, folders.unsaved_folder()])
    except EngineError as error:
        set_report(scene.name, error_lines(error), error)
        raise
    job = history.with_own_model(entry, job)  # the new result may lie in another folder
    return PendingJob(job=job, folder=file.parent, context=replace(context_of(entry), what=what))


def changed(pending: PendingJob, job: Job) -> PendingJob:
    """Return another job in the place of one that is ready to be sent."""
    return replace(pending, job=job)


def send(
    scene: bpy.types.Scene,
    pending: PendingJob,
    *,
    output: Path | None = None,
    then: Then | None = None,
) -> QueuedJob:
    """Send a job whose picture is for a scene; it waits while others are being made.

    Raises: EngineError where it cannot begin; the report has the same.
    """
    target = SceneRef.of(scene)
    try:
        output = output or folders.next_image_path(scene)
        try:
            job = with_kept_sources(pending.job, pending.folder, output.parent)
            document = to_document(job)
            request = JobRequest(
                document=document,
                folder=output.parent,
                output=output,
                scene_name=scene.name,
                place=pending.place,
            )
            queued = engine.queue.add(request, lambda end: _end(end, output, pending, target, then))
        except EngineError:
            folders.release(output)
            raise
    except EngineError as error:
        set_report(scene.name, error_lines(error, pending.warnings), error)
        raise
    engine.keep_going()
    return queued


def _end(
    outcome: Outcome, output: Path, pending: PendingJob, target: SceneRef, then: Then | None
) -> None:
    if isinstance(outcome, EngineError):
        folders.release(output)
    else:
        import_result(outcome, pending, target)
    if then is not None:
        then(outcome)
    if (
        isinstance(outcome, EngineError) and not pending.is_part
    ):  # after what it may have taken with it
        lines = error_lines(outcome, pending.warnings)
        if isinstance(outcome, Skipped):
            lines = [Line(severity="WARNING", text=f"{output.stem} was cancelled")]
        set_report(target.scene_name, lines, outcome)


def import_result(done: Done, pending: PendingJob, target: SceneRef) -> None:
    """Add a finished picture to its scene, and say how it went."""
    file = done.output
    warnings = [_line(p) for p in dict.fromkeys((*pending.warnings, *done.problems))]
    if pending.place == HERE:
        measured.note(pending.job, facts_of_model(pending.job.model or "").family.stride_px, done)
    scene = target.find()
    if scene is None:
        text = f"The scene {target.scene_name!r} is gone; its picture is {file}"
        set_report(target.scene_name, [Line(severity="WARNING", text=text), *warnings])
        return
    pending.keep(scene, file, done.document, pending.context)
    where = "in this file" if folders.is_unsaved(file) else _shown(file)
    seconds = sum(done.timings_s.values())
    text = f"{file.stem}: {seconds:.1f} s, seed {done.document.get('seed')}, {where}"
    set_report(target.scene_name, [Line(severity="INFO", text=text), *warnings])


def _shown(file: Path) -> str:
    """Return a path as short as the .blend's own folder makes it."""
    folder = Path(bpy.data.filepath).parent
    if bpy.data.filepath and file.is_relative_to(folder):
        return f"//{file.relative_to(folder).as_posix()}"
    return str(file)


def error_lines(error: EngineError, warnings: Sequence[Problem] = ()) -> list[Line]:
    """Return what to say of an error, and of what was left out."""
    if error.kind == "cancelled":
        return [Line(severity="ERROR", text="Cancelled")]
    if not isinstance(error, JobError):
        return [Line(severity="ERROR", text=text) for text in str(error).splitlines()]
    # What was left out may be why nothing is left.
    return [_line(problem) for problem in (*error.problems, *warnings)]


def _line(problem: Problem) -> Line:
    severity: Severity = "ERROR" if problem.severity == "error" else "WARNING"
    return Line(severity=severity, text=in_words(problem, in_panels=True))


def set_report(scene_name: str, lines: Sequence[Line], error: EngineError | None = None) -> None:
    """Say how a scene's last job went."""
    global _last
    _last = Report(scene_name=scene_name, lines=tuple(lines), error=error)
    engine.redraw()


def _forget_report(*_: Any) -> None:
    global _last
    _last = None


HANDLERS = {"load_post": _forget_report}
