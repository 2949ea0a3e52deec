"""From a scene's job to a picture in Blender, and a report of how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy

from . import folders, running
from .contract import EngineError, JobError, Problem
from .job_from_scene import SceneJob, job_from_scene
from .properties import canvas_settings
from .results.image import show_picture
from .session import Order, Outcome

Severity = Literal["INFO", "WARNING", "ERROR"]


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
class Target:
    """The scene that a picture is for, which may be gone when the picture is there."""

    scene_name: str
    scene_uid: int
    blend: str

    @classmethod
    def of(cls, scene: bpy.types.Scene) -> Target:
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
) -> None:
    """Begin to make a scene's picture; `last_report` tells how it went once `running` is through.

    While other pictures are being made it waits for its turn.
    `changes` replace values of the job; without `output` the picture gets a name of its own.

    Raises: EngineError where it cannot begin; the report has the same in the scene's words.
    """
    job: SceneJob | None = None
    try:
        job = job_from_scene(scene, depsgraph, changes=changes)
        job.or_raise()
        folder = folders.new_job_folder()
        job.write_pictures(folder)
        picture = output or folders.next_picture(running.session.outputs)
        order = Order(document=job.document, folder=folder, output=picture)
        target, sent = Target.of(scene), job
        is_packed = output is None and not bpy.data.filepath
        running.session.generate(order, lambda end: _end(end, sent, target, is_packed=is_packed))
    except EngineError as error:
        _tell(scene.name, _error_lines(error, job), error)
        raise
    running.keep_going()


def _end(outcome: Outcome, job: SceneJob, target: Target, *, is_packed: bool) -> None:
    if isinstance(outcome, EngineError):
        _tell(target.scene_name, _error_lines(outcome, job), outcome)
        return
    warnings = [_line(job, p) for p in dict.fromkeys((*job.warnings, *outcome.problems))]
    scene = target.find()
    if scene is None:
        text = f"The scene {target.scene_name!r} is gone; its picture is {outcome.output}"
        _tell(target.scene_name, [Line(severity="WARNING", text=text), *warnings])
        return
    image = show_picture(scene, outcome.output, packed=is_packed)
    if is_packed:
        outcome.output.unlink()
    canvas_settings(scene).result_seed = str(outcome.document.get("seed", ""))
    seconds = sum(outcome.timings_s.values())
    place = "in this file" if is_packed else str(outcome.output)
    text = f"{image.name}: {seconds:.1f} s, seed {outcome.document.get('seed')}, {place}"
    _tell(target.scene_name, [Line(severity="INFO", text=text), *warnings])


def _error_lines(error: EngineError, job: SceneJob | None) -> list[Line]:
    if error.kind == "cancelled":
        return [Line(severity="ERROR", text="Cancelled")]
    if job is None or not isinstance(error, JobError):
        return [Line(severity="ERROR", text=text) for text in str(error).splitlines()]
    # What was left out may be why nothing is left.
    return [_line(job, problem) for problem in (*error.problems, *job.warnings)]


def _line(job: SceneJob, problem: Problem) -> Line:
    severity: Severity = "ERROR" if problem.severity == "error" else "WARNING"
    return Line(severity=severity, text=job.told(problem), object_name=job.object_of(problem))


def _tell(scene_name: str, lines: list[Line], error: EngineError | None = None) -> None:
    global _last
    _last = Report(scene_name=scene_name, lines=tuple(lines), error=error)
    running.redraw()
