"""Live: a moment after the scene has changed, its picture is made again, small first.

What it makes is no result: shown over the camera's view, in no file and no history. It gives way to
all that somebody asks for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random, SystemRandom
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend import engine, installing, live_preview, measured
from ..backend.states import Done, Outcome, Skipped
from ..backend.wording import duration
from ..contract import EngineError, Job, random_seed, resolve_random
from ..job.job_from_scene import SceneJob
from ..job.model_facts import facts_of_model
from ..storage import folders
from ..storage.images import pixels_of_file
from . import generation, made_already
from .generation import SceneRef
from .live_looks import MOST_S, Look, full_look, quick_look
from .live_making import Making

QUICK_AFTER_S = 0.15
FULL_AFTER_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a scene's job is, as it was read last."""

    key: object
    """The same one as long as the job would be the same."""
    is_current: bool
    """Whether nothing has changed since that is still to be read."""
    changed_s: float
    """When something changed last, by the clock that only goes forward."""
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
        self._making: Making | None = None
        self._held: Making | None = None
        """The picture itself, as long as it shows the scene as it is: it may be asked for."""
        self._slow_s: float | None = None
        """What the picture itself takes, where it is not made because of that."""
        self._litter: list[Making] = []
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
    def is_waited_for(self) -> bool:
        """Whether nothing is there of what was seen last, and nothing else comes first."""
        return self._target is not None and not self.says and not self._made

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
        self._release()
        engine.redraw()

    def draw_anew(self) -> None:
        """Begin from other noise."""
        if self._target is not None:
            self._target = replace(self._target, seed=random_seed(SystemRandom()))
            self._begin_again(time.monotonic())

    def keep(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        """Make the picture that it shows for good, as a result: as it is, where it is whole.

        Raises: EngineError where it cannot begin, or be kept; the report has the same.
        """
        pending = generation.prepare(scene, depsgraph)
        pending = generation.changed(pending, self.resolved(pending.job))
        made = self._held.made if self._held else None
        if made is not None and made.is_of(pending):
            made_already.keep(scene, pending, made)
        else:
            generation.send(scene, pending)

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
            self._begin_again(seen.changed_s)
        self._key = seen.key
        try:
            if self.says:
                self._drop()
            elif self._making is None and seen.job is not None and seen.is_current:
                self._begin(seen, seen.job.job, now - self._changed_s)
            self._send()
        except EngineError as error:
            self.stop(str(error))

    def _begin_again(self, changed_s: float) -> None:
        if self.is_fresh:
            engine.redraw()
        self._change, self._changed_s = self._change + 1, changed_s
        self._made.clear()
        self._drop()
        self._release()

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
        self._making = Making(change=self._change, look=look, folder=folder)
        self._making.write(read.images)

    def _send(self) -> None:
        """Have the engine make what is written."""
        if (making := self._making) is not None and not making.is_unwanted:
            making.send(lambda outcome: self._end(making, outcome))

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

    def _forget(self, making: Making) -> None:
        if self._making is making:
            self._making = None
        making.writing.cancel()
        self._litter.append(making)
        self._clear_away()

    def _release(self) -> None:
        """Hold no picture for somebody who may want to keep it."""
        if self._held is not None:
            held, self._held = self._held, None
            self._forget(held)

    def _clear_away(self) -> None:
        """Remove the folders that nothing writes into any more."""
        self._litter = [making for making in self._litter if not making.clear_away()]

    def _end(self, making: Making, outcome: Outcome) -> None:
        is_skipped = making.is_unwanted or isinstance(outcome, Skipped)
        if isinstance(outcome, Done) and self._target is not None:
            self._show(making, outcome)
        if self._held is making:
            self._making = None
        else:
            self._forget(making)
        if isinstance(outcome, EngineError) and not is_skipped:
            self.stop("" if outcome.kind == "cancelled" else str(outcome))

    def _show(self, making: Making, done: Done) -> None:
        pixels = pixels_of_file(done.output)
        took_s = sum(s for phase, s in done.timings_s.items() if phase != "loading")
        look = making.look
        self.picture = LivePicture(pixels=pixels, change=making.change, look=look, took_s=took_s)
        engine.redraw()
        if not making.is_unwanted:
            making.done = done
            self._made.add(look.is_full)
            if look.is_full:
                self._held = making
        stride_px = facts_of_model(look.job.model or "").family.stride_px
        if look.is_full or measured.estimate(look.job, stride_px, is_loaded=True) is None:
            measured.note(look.job, stride_px, done)


def _name_of(look: Look) -> str:
    what = "Full size" if look.is_full else "Quick look"
    return f"{what} {look.job.canvas_width} × {look.job.canvas_height}"


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


def _hurries() -> bool:
    return live.is_waited_for


def _after_load(*_: Any) -> None:
    live.stop()


def register() -> None:
    """Have the pump move it on."""
    engine.pump.sources.append(live)
    engine.pump.hurries.append(_hurries)


def unregister() -> None:
    """Switch it off."""
    live.stop()
    engine.pump.sources.remove(live)
    engine.pump.hurries.remove(_hurries)


HANDLERS = {"load_post": _after_load}
