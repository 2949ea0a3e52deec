"""From a scene's job to a picture in Blender, and a report of how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy

from ..backend import running
from ..backend.session import Done, Job, JobRequest, Outcome
from ..contract import EngineError, JobError, Problem
from ..job.job_from_scene import SceneJob, job_from_scene
from ..job.regions.camera import view_of
from ..job.regions.projection import CameraView
from ..properties import HistoryEntry
from ..storage import folders
from . import history, snapshots
from .history import JobContext
from .sources import with_kept_sources

Severity = Literal["INFO", "WARNING", "ERROR"]
Then = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing to tell, at the object that it belongs to."""

    severity: Severity
    text: str
    object_name: str | None = None


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
        return cls(scene_name=scene.name, scene_uid=_uid(scene), blend=bpy.data.filepath)

    def find(self) -> bpy.types.Scene | None:
        """Return the scene, also after undo or after its file was opened again."""
        for scene in bpy.data.scenes:
            if _uid(scene) == self.scene_uid and scene.name == self.scene_name:
                return scene
        if self.blend and self.blend == bpy.data.filepath:
            return bpy.data.scenes.get(self.scene_name)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingJob:
    """A job that is ready to be sent, and what its end needs to know."""

    document: Mapping[str, Any]
    folder: Path
    """Where the document's relative paths start."""
    setting: JobContext
    job: SceneJob | None = None


def _uid(scene: bpy.types.Scene) -> int:
    uid: int = scene.session_uid
    return uid


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
    """Begin to make a scene's picture; `last_report` tells how it went once `running` is through.

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
    job: SceneJob | None = None
    try:
        job = job_from_scene(scene, depsgraph, changes=changes)
        job.or_raise()
        folder = folders.new_job_folder()
        job.write_pictures(folder)
    except EngineError as error:
        _tell(scene.name, _error_lines(error, job), error)
        raise
    setting = JobContext(
        snapshot=snapshots.snapshot(scene),
        places=dict(job.objects),
        view=_view_of(scene, depsgraph),
    )
    return PendingJob(document=job.document, folder=folder, setting=setting, job=job)


def _view_of(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> CameraView | None:
    try:
        return view_of(scene, depsgraph)
    except EngineError:
        return None  # a prompt for the whole picture needs no camera


def begin_variation(
    scene: bpy.types.Scene,
    entry: HistoryEntry,
    names: set[str],
    *,
    mode: str,
    noise_eps: float,
    then: Then | None = None,
) -> None:
    """Begin to make a result again with the same seed, but another start in the named regions.

    Raises: EngineError where it cannot begin; the report has the same.
    """
    prepared = PendingJob(
        document=history.varied(entry, names, mode=mode, noise_eps=noise_eps),
        folder=history.path_of(entry).parent,
        setting=history.context_of(entry),
    )
    send(scene, prepared, then=then)


def send(
    scene: bpy.types.Scene,
    prepared: PendingJob,
    *,
    output: Path | None = None,
    then: Then | None = None,
) -> Job:
    """Send a job whose picture is for a scene; it waits while others are being made.

    Raises: EngineError where it cannot begin; the report has the same.
    """
    target = SceneRef.of(scene)
    try:
        output = output or folders.next_picture(scene)
        try:
            document = with_kept_sources(prepared.document, prepared.folder, output.parent)
            order = JobRequest(
                document=document, folder=prepared.folder, output=output, scene_name=scene.name
            )
            job = running.session.generate(
                order, lambda end: _end(end, order, prepared, target, then)
            )
        except EngineError:
            folders.release(output)
            raise
    except EngineError as error:
        _tell(scene.name, _error_lines(error, prepared.job), error)
        raise
    running.keep_going()
    return job


def _end(
    outcome: Outcome, order: JobRequest, prepared: PendingJob, target: SceneRef, then: Then | None
) -> None:
    if isinstance(outcome, EngineError):
        folders.release(order.output)
    else:
        _import_result(outcome, prepared, target)
    if then is not None:
        then(outcome)
    if isinstance(outcome, EngineError):  # after what it may have taken with it
        _tell(target.scene_name, _error_lines(outcome, prepared.job), outcome)


def _import_result(done: Done, prepared: PendingJob, target: SceneRef) -> None:
    job, file = prepared.job, done.output
    problems = dict.fromkeys((*(job.warnings if job else ()), *done.problems))
    warnings = [_line(job, problem) for problem in problems]
    scene = target.find()
    if scene is None:
        text = f"The scene {target.scene_name!r} is gone; its picture is {file}"
        _tell(target.scene_name, [Line(severity="WARNING", text=text), *warnings])
        return
    history.add(scene, file, done.document, prepared.setting)
    place = "in this file" if folders.is_unsaved(file) else _shown(file)
    seconds = sum(done.timings_s.values())
    text = f"{file.stem}: {seconds:.1f} s, seed {done.document.get('seed')}, {place}"
    _tell(target.scene_name, [Line(severity="INFO", text=text), *warnings])


def _shown(file: Path) -> str:
    """Return a path as short as the .blend's own folder makes it."""
    folder = Path(bpy.data.filepath).parent
    if bpy.data.filepath and file.is_relative_to(folder):
        return f"//{file.relative_to(folder).as_posix()}"
    return str(file)


def _error_lines(error: EngineError, job: SceneJob | None) -> list[Line]:
    if error.kind == "cancelled":
        return [Line(severity="ERROR", text="Cancelled")]
    if job is None or not isinstance(error, JobError):
        return [Line(severity="ERROR", text=text) for text in str(error).splitlines()]
    # What was left out may be why nothing is left.
    return [_line(job, problem) for problem in (*error.problems, *job.warnings)]


def _line(job: SceneJob | None, problem: Problem) -> Line:
    severity: Severity = "ERROR" if problem.severity == "error" else "WARNING"
    if job is None:
        return Line(severity=severity, text=str(problem))
    return Line(severity=severity, text=job.told(problem), object_name=job.object_of(problem))


def _tell(scene_name: str, lines: list[Line], error: EngineError | None = None) -> None:
    global _last
    _last = Report(scene_name=scene_name, lines=tuple(lines), error=error)
    running.redraw()
