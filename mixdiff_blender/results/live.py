"""Live: a moment after the scene has changed, its picture is made again, small first.

What it makes is no result: shown over the camera's view, in no file and no history. It gives way to
all that somebody asks for.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend import engine, installing, live_preview, measured
from ..backend.background_task import BackgroundTask, Broken, TaskProgress
from ..backend.session import Done, JobRequest, Outcome, Skipped
from ..backend.session import Job as QueuedJob
from ..backend.wording import duration
from ..contract import EngineError, Job, random_seed, resolve_random, to_document
from ..job.job_from_scene import SceneJob
from ..job.model_facts import facts_of_model
from ..job.regions.reader import PictureToWrite
from ..storage import folders
from ..storage.images import pixels_of_file
from . import generation
from .generation import SceneRef
from .live_looks import MOST_S, Look, full_look, quick_look

QUICK_AFTER_S = 0.2
FULL_AFTER_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a scene's job is, as it was read last."""

    key: object
    """The same one as long as the job would be the same."""
    is_current: bool
    """Whether nothing has changed since that is still to be read."""
    job: SceneJob | None
    says: str = ""
    """Why there is no job."""
    read: Callable[[], SceneJob | None]
    """Reads it anew, with the pictures that it needs; nothing where it is not ready."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LivePicture:
    """A picture that was made by itself."""

    pixels: NDArray[np.float32] = field(repr=False)
    """Shapes: (H, W, 4), the first row at the bottom."""
    change: int
    """Which change of the scene it shows, counted."""
    look: Look
    took_s: float
    """Without what the engine and the model needed to begin."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Making:
    """A look on its way: its pictures are written, then it is in the queue."""

    change: int
    look: Look
    folder: Path
    writing: BackgroundTask = field(default_factory=BackgroundTask)
    queued: QueuedJob | None = None
    is_unwanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    scene: SceneRef
    layer: str
    seed: int


class Live:
    """A source of the pump, which moves it on; all in Blender's thread."""

    def __init__(self) -> None:
        self.look: Callable[[bpy.types.Scene, bpy.types.ViewLayer], Seen] | None = None
        """What a scene's job is; set by those who read it."""
        self.picture: LivePicture | None = None
        self.says = ""
        """What it waits for, or why it is off though nobody switched it off."""
        self._target: _Target | None = None
        self._key: object = None
        self._change, self._changed_s = 0, 0.0
        self._made: set[bool] = set()
        """Which looks there are of what was seen last, by whether they are full."""
        self._making: _Making | None = None
        self._slow_s: float | None = None
        """What the picture itself takes, where it is not made because of that."""
        self._litter: list[_Making] = []
        """What nobody wants any more, and whose folder is to be removed."""

    # --- What others ask -------------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        """Whether it is on, or has something to clear away."""
        return self._target is not None or bool(self._litter)

    @property
    def state(self) -> object:
        """What it shows, and what it does."""
        return self._target, self.says, id(self.picture), self.is_fresh, self.making

    @property
    def making(self) -> Look | None:
        """What is being made."""
        return self._making.look if self._making and not self._making.is_unwanted else None

    @property
    def is_fresh(self) -> bool:
        """Whether the picture shows the scene as it was read last."""
        return self.picture is not None and self.picture.change == self._change

    @property
    def text(self) -> str:
        """What it does, in a few words."""
        if self.says:
            return self.says
        if (look := self.making) is not None:
            return f"{_name_of(look)}…"
        if self.picture is None or not self.is_fresh:
            return "Live"
        text = f"{_name_of(self.picture.look)} · {duration(self.picture.took_s)}"
        if self._slow_s is not None:
            text += f" · the full size takes about {duration(self._slow_s)}"
        return text

    def is_on(self, scene: bpy.types.Scene) -> bool:
        """Return whether it follows a scene."""
        return self._target is not None and self._target.scene.scene_uid == scene.session_uid

    def resolved(self, job: Job) -> Job:
        """Return a job with all filled in that is left to chance: the same each time."""
        seed = self._target.seed if self._target else 0
        job = replace(job, seed=seed) if job.seed is None else job
        return resolve_random(job, Random(seed))  # noqa: S311

    # --- On and off ------------------------------------------------------------------------------

    def start(self, scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> None:
        """Follow a scene from now on."""
        self.stop()
        live_preview.warm_up()
        seed = random_seed(SystemRandom())
        self._target = _Target(scene=SceneRef.of(scene), layer=layer.name, seed=seed)
        engine.keep_going()

    def stop(self, says: str = "") -> None:
        """Follow nothing any more, and leave nothing behind."""
        self._target = self._key = self.picture = None
        self.says = says
        self._drop()
        engine.redraw()

    def draw_anew(self) -> None:
        """Begin from other noise."""
        if self._target is not None:
            self._target = replace(self._target, seed=random_seed(SystemRandom()))
            self._begin_again(time.monotonic())

    def keep(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        """Make the picture that it shows for good, as a result.

        Raises: EngineError where it cannot begin; the report has the same.
        """
        pending = generation.prepare(scene, depsgraph)
        generation.send(scene, generation.changed(pending, self.resolved(pending.job)))

    # --- What the pump moves on ------------------------------------------------------------------

    def pump(self, wait_s: float = 0.0) -> None:
        """Look at the scene, and make what it is time for."""
        self._clear_away()
        if self._target is None or self.look is None:
            return
        scene = self._target.scene.find()
        layer = scene.view_layers.get(self._target.layer) if scene else None
        if scene is None or layer is None:
            self.stop()
            return
        now, seen = time.monotonic(), self.look(scene, layer)
        self.says = _what_comes_first() or _why_not(seen)
        if seen.key is not self._key:
            self._begin_again(now)
        self._key = seen.key
        try:
            if self.says:
                self._drop()
            elif self._making is not None:
                self._send()
            elif seen.job is not None and seen.is_current:
                self._begin(seen, seen.job.job, now - self._changed_s)
        except EngineError as error:
            self.stop(str(error))

    def _begin_again(self, now: float) -> None:
        if self.is_fresh:
            engine.redraw()
        self._change, self._changed_s = self._change + 1, now
        self._made.clear()
        self._drop()

    def _begin(self, seen: Seen, job: Job, still_s: float) -> None:
        """Begin the look that it is time for, if it is for any."""
        if True in self._made:
            return
        facts = facts_of_model(job.model or "")
        full = full_look(self.resolved(job), facts)
        is_slow = full.seconds is not None and full.seconds > MOST_S
        self._slow_s = full.seconds if is_slow else None
        if False not in self._made:
            if still_s >= QUICK_AFTER_S:
                self._read(seen, lambda job: quick_look(job, facts))
        elif still_s >= FULL_AFTER_S and not is_slow:
            self._read(seen, lambda job: full_look(job, facts))

    def _read(self, seen: Seen, look_of: Callable[[Job], Look]) -> None:
        """Read the scene once more, and have the pictures written that its job needs."""
        read = seen.read()
        if read is None or read.errors:
            return  # which the next reading says
        look = look_of(self.resolved(read.job))
        folder = folders.new_job_folder()
        self._making = _Making(change=self._change, look=look, folder=folder)
        aside: dict[str, PictureToWrite] = {}
        for name, wanted in read.images.items():
            if wanted.is_read():
                aside[name] = wanted
            else:
                wanted.write(folder / name)
        if aside:
            steps = _written(aside, folder, self._making.writing.is_cancelled)
            self._making.writing.start("Live", TaskProgress(title="Live"), steps)

    def _send(self) -> None:
        """Have the engine make what is written."""
        making = self._making
        assert making is not None
        if making.writing.is_active or making.queued is not None:
            return
        if isinstance(making.writing.state, Broken):
            raise making.writing.state.error
        request = JobRequest(
            document=to_document(making.look.job),
            folder=making.folder,
            output=making.folder / "picture.png",
            gives_way=True,
        )
        making.queued = engine.queue.add(request, lambda outcome: self._end(making, outcome))

    def _drop(self) -> None:
        """Have nothing made any more."""
        making = self._making
        if making is None or making.is_unwanted:
            return
        making.is_unwanted = True
        if making.queued is not None:
            engine.queue.skip(making.queued, patiently=True)
        else:
            self._forget(making)

    def _forget(self, making: _Making) -> None:
        if self._making is making:
            self._making = None
        making.writing.cancel()
        self._litter.append(making)
        self._clear_away()

    def _clear_away(self) -> None:
        """Remove the folders that nothing writes into any more."""
        for making in [one for one in self._litter if not one.writing.is_active]:
            self._litter.remove(making)
            shutil.rmtree(making.folder, ignore_errors=True)

    def _end(self, making: _Making, outcome: Outcome) -> None:
        is_skipped = making.is_unwanted or isinstance(outcome, Skipped)
        if isinstance(outcome, Done) and self._target is not None:
            self._show(making, outcome)
        self._forget(making)
        if isinstance(outcome, EngineError) and not is_skipped:
            self.stop("" if outcome.kind == "cancelled" else str(outcome))

    def _show(self, making: _Making, done: Done) -> None:
        pixels = pixels_of_file(done.output)
        took_s = sum(s for phase, s in done.timings_s.items() if phase != "loading")
        look = making.look
        self.picture = LivePicture(pixels=pixels, change=making.change, look=look, took_s=took_s)
        engine.redraw()
        if not making.is_unwanted:
            self._made.add(look.is_full)
        stride_px = facts_of_model(look.job.model or "").family.stride_px
        if look.is_full or measured.estimate(look.job, stride_px, is_loaded=True) is None:
            measured.note(look.job, stride_px, done)


def _name_of(look: Look) -> str:
    what = "Full size" if look.is_full else "Quick look"
    return f"{what} {look.job.canvas_width} × {look.job.canvas_height}"


def _written(
    images: Mapping[str, PictureToWrite], folder: Path, is_cancelled: Callable[[], bool]
) -> Iterator[TaskProgress]:
    for name, wanted in images.items():
        if is_cancelled():
            return
        wanted.write(folder / name)
        yield TaskProgress(title="Live")


def _what_comes_first() -> str:
    """Return what goes on that Live waits for, or nothing."""
    app: Any = bpy.app
    manager: Any = bpy.context.window_manager
    if engine.queue.is_awaited:
        return "Waits for the picture that was asked for"
    if app.is_job_running("RENDER"):
        return "Waits for the render"
    if installing.task.is_active:
        return "Waits for the installation"
    if any(window.screen.is_animation_playing for window in manager.windows):
        return "Waits while the animation plays"
    return ""


def _why_not(seen: Seen) -> str:
    """Return why there is nothing to make, or nothing."""
    if seen.job is None and seen.is_current:
        return seen.says or "Nothing to paint yet"
    is_wrong = seen.job is not None and bool(seen.job.errors)
    return "Waits until the picture can be made" if is_wrong else ""


live = Live()
"""The one of this Blender: it follows one scene."""


def _after_load(*_: Any) -> None:
    live.stop()


def register() -> None:
    """Have the pump move it on."""
    engine.pump.sources.append(live)


def unregister() -> None:
    """Switch it off."""
    live.stop()
    engine.pump.sources.remove(live)


HANDLERS = {"load_post": _after_load}
