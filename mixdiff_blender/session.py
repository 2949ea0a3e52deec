"""The one engine of this Blender: its state, the job that runs, and the thread that touches bpy."""

from __future__ import annotations

import atexit
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import environment, preferences
from .client import EngineClient, Event, Failed, Succeeded, Told
from .contract import errors, protocol
from .job_from_scene import SceneJob
from .results.files import References, new_result_path, user_folder
from .results.image import show_picture

log = logging.getLogger(__package__)

_TICK_S = 0.1
_BACKGROUND_TICK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """No engine runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """The engine's process is coming up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The engine waits for a job."""

    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generating:
    """A job runs; `steps` is 0 until the first step is done."""

    phase: str
    step: int = 0
    steps: int = 0
    remaining_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """A job was asked to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The last job or the engine failed: why, and what to do."""

    error: errors.EngineError


State = Stopped | Starting | Ready | Generating | Cancelling | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A job on its way: what it is, and where its result belongs."""

    scene_job: SceneJob
    output: Path
    scene_name: str
    blend_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the last job ended: its result as the engine told it, or an error."""

    task: Task
    result: dict[str, Any] | None
    error: errors.EngineError | None


class Session:
    """Owns the engine's client. Every method is called on Blender's main thread."""

    def __init__(self) -> None:
        self.state: State = Stopped()
        self.outcome: Outcome | None = None
        self.references = References()
        self._client: EngineClient | None = None
        self._device = ""
        self._initialize: int | None = None
        self._task: tuple[int, Task] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job is on its way."""
        return self._task is not None

    def generate(self, scene: bpy.types.Scene, scene_job: SceneJob, output: Path | None) -> None:
        """Send a scene's job to the engine, which is started if it does not run.

        Raises: EngineError where a job runs already, or the engine cannot be started.
        """
        if self.is_busy:
            raise errors.EngineError(
                "a job is running already", kind="busy", advice="wait for it, or cancel it"
            )
        client = self._running_client()
        task = Task(
            scene_job=scene_job,
            output=output or new_result_path(scene.name),
            scene_name=scene.name,
            blend_file=bpy.data.filepath,
        )
        id_ = client.request(
            "generate",
            job=scene_job.document,
            output=str(task.output),
            folder=str(Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()),
            preview_every_s=0.0,
        )
        self._task, self.outcome = (id_, task), None
        if not isinstance(self.state, Starting):
            self.state = Generating(phase="loading")
        if not bpy.app.background:
            _keep_ticking()

    def cancel(self) -> None:
        """Ask the running job to end."""
        if self._task is not None and self._client is not None:
            self._client.cancel(self._task[0])
            self.state = Cancelling()

    def wait(self, report: Callable[[State], None] = lambda _state: None) -> Outcome:
        """Run until the job has ended: in background mode no timer ever fires."""
        seen: State | None = None
        while self.outcome is None:
            self.drain()
            if self.state != seen:
                seen = self.state
                report(seen)
            time.sleep(_BACKGROUND_TICK_S)
        return self.outcome

    def drain(self) -> bool:
        """Take in what the engine has said, and return whether anything changed."""
        before = self.state
        for event in self._client.events() if self._client else ():
            self._take(event)
        return self.state != before

    def stop(self) -> None:
        """End the engine's process."""
        client, self._client = self._client, None
        if client is not None:
            client.stop()
        self._task = None
        self.references.release()
        self.state = Stopped()

    def _running_client(self) -> EngineClient:
        if self._client is None or not self._client.is_running:
            folder = user_folder()
            python = environment.find_python(
                chosen=preferences.engine_python(), user_folder=folder, variables=os.environ
            )
            self._client = EngineClient(
                environment.worker_command(python), environment.worker_variables(os.environ)
            )
            self._initialize = self._client.request(
                "initialize",
                protocol=protocol.PROTOCOL_VERSION,
                log_file=str(folder / "engine.log"),
            )
            self.state = Starting()
        return self._client

    def _take(self, event: Event) -> None:
        is_job = self._task is not None and event.id == self._task[0]
        match event:
            case Succeeded() if event.id == self._initialize:
                told = event.result
                self._device = f"{told.get('device_name')}, {told.get('dtype')}"
                self.state = Generating(phase="loading") if self.is_busy else self._ready()
            case Failed() if event.id == self._initialize:
                self.state = Broken(error=event.error)
            case Told(method="phase") if is_job and not isinstance(self.state, Cancelling):
                self.state = Generating(phase=str(event.params.get("phase")))
            case Told(method="progress") if is_job and not isinstance(self.state, Cancelling):
                self.state = Generating(
                    phase="sampling",
                    step=int(event.params["step"]),
                    steps=int(event.params["steps"]),
                    remaining_s=event.params.get("remaining_s"),
                )
            case Succeeded() if is_job:
                self._finish(dict(event.result), None)
            case Failed() if is_job:
                self._finish(None, event.error)
            case _:
                pass

    def _ready(self) -> Ready:
        return Ready(device=self._device)

    def _finish(self, result: dict[str, Any] | None, error: errors.EngineError | None) -> None:
        assert self._task is not None
        task, self._task = self._task[1], None
        self.references.release()
        if isinstance(error, errors.JobError):
            sentences = "\n".join(task.scene_job.told(problem) for problem in error.problems)
            error = errors.EngineError(sentences, kind="job")
        self.outcome = Outcome(task=task, result=result, error=error)
        if result is not None:
            _show(task, result)
        is_failure = error is not None and error.kind != "cancelled"
        self.state = Broken(error=error) if error and is_failure else self._ready()


def _show(task: Task, result: dict[str, Any]) -> None:
    """Load the picture where it belongs; a file that was opened meanwhile is left alone."""
    scene = bpy.data.scenes.get(task.scene_name)
    if scene is not None and bpy.data.filepath == task.blend_file:
        show_picture(scene, Path(result["output"]))
    else:
        log.warning("the scene of this picture is gone; it is kept in %s", result["output"])


SESSION = Session()


def _tick() -> float | None:
    if SESSION.drain():
        _redraw()
    return _TICK_S if SESSION.is_busy else None


def _keep_ticking() -> None:
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_TICK_S, persistent=True)


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR"):
                area.tag_redraw()


def attach() -> None:
    """Let no engine outlive Blender."""
    atexit.register(SESSION.stop)


def detach() -> None:
    """Stop the engine."""
    atexit.unregister(SESSION.stop)
    SESSION.stop()
