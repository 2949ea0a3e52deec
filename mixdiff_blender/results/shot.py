"""A shot: the scene's frames one after the other, each painted as the scene is then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from ..backend import engine
from ..backend.states import Done, Generating, Outcome, Skipped
from ..backend.states import Job as QueuedJob
from ..backend.wording import duration, state_text
from ..contract import Cancelled, EngineError, read_job, to_document
from ..job.frames import ShotFrames
from ..job.overrides import Overrides, changes_of, overridden
from ..properties import canvas_settings, preferences
from ..storage import folders
from . import generation, history
from .coherence import Coherence, coherent
from .documents import JobContext, job_in_full, job_of_file, text_of_view
from .generation import Line, PendingJob, SceneRef
from .shot_changes import differences
from .shot_record import PLACE, ShotRecord
from .sources import with_kept_sources

_BUDGET_S = 0.05
_AGAIN_S = 0.2

Then = Callable[["Shot"], None]


@dataclass(slots=True, kw_only=True, eq=False)
class Shot:
    """A shot that is being made, or has ended."""

    record: ShotRecord
    target: SceneRef
    overrides: Overrides
    then: Then | None = None
    keep_made: bool = False
    """Whether frames that are there are kept which would be painted otherwise now."""
    made: list[int] = field(default_factory=list)
    """The numbers of the frames that were painted."""
    kept: list[int] = field(default_factory=list)
    """Those that were there already, just as they would be painted."""
    warnings: dict[int, tuple[str, ...]] = field(default_factory=dict)
    error: EngineError | None = None
    has_ended: bool = False
    started_s: float = field(default_factory=time.monotonic)
    place: str = ""
    """Where its frames are made."""
    _waiting: list[tuple[Fraction, int]] = field(default_factory=list)
    _queued: dict[int, QueuedJob] = field(default_factory=dict)
    """The frames that are being made, or wait for an engine, by their numbers."""
    _stopped_by: EngineError | None = None
    _has_skipped: bool = False
    _number: int = 0
    _coherence: Coherence = field(default_factory=Coherence)

    @property
    def count(self) -> int:
        """How many frames it has."""
        return len(self.record.frames)

    @property
    def done(self) -> int:
        """How many frames are there."""
        return len(self.made) + len(self.kept)

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        part = sum(map(engine.queue.share_of, self._queued.values()))
        return (self.done + part) / self.count

    @property
    def remaining_s(self) -> float | None:
        """How long the rest takes, by the frames that were painted."""
        if not self.made:
            return None
        each = (time.monotonic() - self.started_s) / (self.done - len(self.kept) or 1)
        return each * (self.count * (1 - self.share))

    @property
    def text(self) -> str:
        """How far it is, as a bar says it."""
        state, rest_s = engine.session.state, self.remaining_s
        doing = state_text(state) if isinstance(state, Generating) else ""
        left = "" if rest_s is None else f"{duration(rest_s)} left"
        return " · ".join(part for part in (self.frame_text, left or doing) if part)

    @property
    def frame_text(self) -> str:
        """Which frame is being made, of how many."""
        if len(self._queued) > 1:
            return f"{self.done} of {self.count} frames"
        return f"Frame {self._number} ({min(self.done + 1, self.count)} of {self.count})"

    @property
    def is_between_frames(self) -> bool:
        """Whether it goes on by itself, without the end of a picture."""
        return not self.has_ended and not self._queued

    @property
    def has_room(self) -> bool:
        """Whether another frame can be sent: as many as there are engines, and one to follow.

        What is carried along from frame to frame follows one at a time.
        """
        scene = self.target.find()
        is_carried = scene is not None and canvas_settings(scene).coherence == "carried"
        engines = engine.queue.count(self.place)
        return len(self._queued) < (1 if is_carried or engines == 1 else engines + 1)

    @property
    def has_frames_to_send(self) -> bool:
        """Whether engines wait for frames while others are at work."""
        return bool(self._waiting and self._queued and self.has_room)

    def cancel(self) -> None:
        """End it with the frames that are there; the one under way is given up."""
        self._stop(Cancelled())

    def _stop(self, error: EngineError) -> None:
        """Begin nothing more, take back what is sent, and end with the last of it."""
        if self.has_ended:
            return
        self._stopped_by = self._stopped_by or error
        self._waiting.clear()
        engine.queue.remove(*self._queued.values())
        if not self._queued and not self.has_ended:
            self._end(self._stopped_by)

    def advance(self) -> None:
        """Look at frames until one has to be painted; in a window not for long at a time."""
        until_s = time.monotonic() + (float("inf") if bpy.app.background else _BUDGET_S)
        while self._waiting and self.has_room and not self.has_ended:
            if not bpy.app.background and (_is_occupied() or time.monotonic() > until_s):
                _look_again()
                return
            time_, self._number = self._waiting.pop(0)
            try:
                self._begin_frame(time_, self._number)
            except EngineError as error:
                self._stop(error)
        if not self._waiting and not self._queued and not self.has_ended:
            self._end(self._stopped_by or (Cancelled() if self._has_skipped else None))

    def _begin_frame(self, time_: Fraction, number: int) -> None:
        scene = self.target.find()
        if scene is None:
            raise EngineError(
                f"the scene {self.target.scene_name!r} is gone", kind="job", advice="open its file"
            )
        seed = self.record.seed
        before = self._frame_before(number)
        if canvas_settings(scene).coherence == "carried" and before:
            with overridden(scene, {**self.overrides, "frame": float(before[0])}) as depsgraph:
                self._coherence.see(scene, depsgraph, before[1])
        with overridden(scene, {**self.overrides, "frame": float(time_)}) as depsgraph:
            changes = {**changes_of(self.overrides), "seed": seed}
            read = generation.prepare(scene, depsgraph, changes=changes)
            earlier = (before[1], self.record.file(before[1])) if before else None
            held = self._coherence.applied(scene, depsgraph, read, number, earlier)
            read = replace(read, job=held)
        job = with_kept_sources(coherent(read.job), read.folder, self.record.folder)
        self._note_view(number, read.context)
        what = replace(read.context, what=f"{self.count} frames, {self.record.frames.text}")
        file = self.record.file(number)
        made, now = job_of_file(file), job_in_full(to_document(job), file.parent)
        if made is not None and made != now:
            done = "it is kept" if self.keep_made else "it is made again"
            changed = "; ".join(differences(made, now))
            self.warnings[number] = (f"Made otherwise, and {done}: {changed}",)
        if made is not None and (made == now or self.keep_made):
            self.kept.append(number)
            self._keep(scene, file, read_job(file), what)
            return
        pending = replace(
            read,
            job=job,
            folder=self.record.folder,
            context=what,
            keep=self._keep,
            is_part=True,
            place=self.place,
        )
        self._send(scene, pending, number)

    def _frame_before(self, number: int) -> tuple[Fraction, int] | None:
        frames = list(zip(self.record.frames.times, self.record.frames.numbers, strict=True))
        earlier = [frame for frame in frames if frame[1] < number]
        return earlier[-1] if earlier else None

    def _send(self, scene: bpy.types.Scene, pending: PendingJob, number: int) -> None:
        def then(outcome: Outcome) -> None:
            self._queued.pop(number, None)
            if isinstance(outcome, Done):
                self._take(scene, number)
            elif isinstance(outcome, Skipped):
                self._has_skipped = True
            else:
                self._number = number if self._stopped_by is None else self._number
                self._stop(outcome)
            if isinstance(outcome, Done) and outcome.was_cancelled:
                self._stop(Cancelled())
            elif not self.has_ended:
                self.advance()

        self._queued[number] = generation.send(
            scene, pending, output=self.record.file(number), then=then
        )

    def _take(self, scene: bpy.types.Scene, number: int) -> None:
        """Count a frame that was painted, and keep what there was to say of it."""
        self.made.append(number)
        self.record.fill_gaps(number)
        said = generation.last_report(scene) if self.target.find() else None
        lines = said.lines if said else ()
        said_of_it = (x.text for x in lines if x.severity == "WARNING")
        self.warnings[number] = (*self.warnings.get(number, ()), *said_of_it)

    def _note_view(self, number: int, context: JobContext) -> None:
        views = {**self.record.views, number: text_of_view(context.view)}
        if views != self.record.views:
            self.record = replace(self.record, views=views)
            self.record.write()

    def _keep(
        self,
        scene: bpy.types.Scene,
        file: Path,
        document: Mapping[str, Any],
        context: JobContext,
    ) -> None:
        """Have one entry of the history show all that is there."""
        entry = history.find_shot(scene, self.record)
        if entry is not None:
            history.refresh(scene, entry)
        else:
            history.add(scene, file, document, context, shot=self.record.pattern)

    def _end(self, error: EngineError | None) -> None:
        global _current
        self.has_ended, self.error = True, error
        self._waiting.clear()
        if _current is self:
            _current = None
        scene = self.target.find()
        entry = history.find_shot(scene, self.record) if scene else None
        if scene and entry:
            history.refresh(scene, entry)
        generation.set_report(self.target.scene_name, self._lines(), error)
        if self.then is not None:
            self.then(self)

    def _lines(self) -> list[Line]:
        there = f"{len(self.record.there)} of {self.count} frames are there"
        again = "Resume makes the rest"
        if self.error is None:
            seconds = time.monotonic() - self.started_s
            kept = f", {len(self.kept)} as they were" if self.kept else ""
            name = history.name_of(self.record.path, self.record.pattern)
            text = f"{name}: {self.count} frames{kept}, {seconds:.1f} s, seed {self.record.seed}"
            doubts = dict.fromkeys(text for said in self.warnings.values() for text in said)
            warnings = [Line(severity="WARNING", text=text) for text in doubts]
            return [Line(severity="INFO", text=text), *warnings]
        if self.error.kind == "cancelled":
            return [Line(severity="ERROR", text=f"Cancelled: {there}. {again}")]
        lines = generation.error_lines(self.error)
        lines[0] = replace(lines[0], text=f"Frame {self._number}: {lines[0].text}")
        return [*lines, Line(severity="INFO", text=f"{there}. {again}")]


_current: Shot | None = None


def current() -> Shot | None:
    """Return the shot that is being made."""
    return _current


def begin(
    scene: bpy.types.Scene,
    frames: ShotFrames,
    *,
    record: ShotRecord | None = None,
    pattern: Path | None = None,
    overrides: Overrides | None = None,
    keep_made: bool = False,
    then: Then | None = None,
) -> Shot:
    """Begin to make a scene's frames, one after the other.

    With the `record` of an earlier shot its frames are kept that are just what would be painted
    now, and with `keep_made` the others that are there too. Without a `pattern` for the files
    (#### for the number) they get a folder of their own.

    Raises: EngineError where it cannot begin: another shot is under way, nothing can be written.
    """
    global _current
    if _current is not None:
        raise EngineError(
            "another shot is being made", kind="job", advice="wait for its end, or cancel it"
        )
    overrides = overrides or {}
    seed = overrides.get("seed", canvas_settings(scene).seed)
    if record is None:
        seed = random.SystemRandom().randrange(10**10) if seed is None else seed
        record = _new_record(scene, frames, pattern, seed)
    else:
        record = replace(record, seed=record.seed if seed is None else seed)
    record.write()
    _current = Shot(
        record=record,
        target=SceneRef.of(scene),
        overrides=overrides,
        then=then,
        keep_made=keep_made,
        place=preferences.cluster(),
    )
    shot = _current
    shot._waiting = list(zip(record.frames.times, record.frames.numbers, strict=True))
    shot.advance()
    engine.redraw()
    return shot


def _new_record(
    scene: bpy.types.Scene, frames: ShotFrames, pattern: Path | None, seed: int
) -> ShotRecord:
    stem = Path(bpy.data.filepath).stem or "untitled"
    if pattern is None:
        folder, name = (
            folders.reserve_folder(folders.results_folder(scene), stem),
            f"{stem}-{PLACE}.png",
        )
    else:
        folder, name = pattern.parent, pattern.name
    return ShotRecord(
        folder=folder,
        pattern=name,
        frames=frames,
        seed=seed,
        scene_name=scene.name,
        fills=pattern is None,
    )


def _is_occupied() -> bool:
    """Return whether going to another frame would disturb what is dragged, or rendered."""
    app: Any = bpy.app
    if app.is_job_running("RENDER"):
        return True
    manager: Any = bpy.context.window_manager
    operators = [operator for w in manager.windows for operator in w.modal_operators]
    return any(operator.bl_idname.startswith("TRANSFORM_OT") for operator in operators)


def _tick() -> float | None:
    """Go on, and say in how many seconds to do so again: a timer cannot register itself."""
    if _current is not None:
        _current.advance()
    if _current is None or not _current.is_between_frames:
        return None
    return _AGAIN_S if _is_occupied() else 0.0


def _look_again() -> None:
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_AGAIN_S if _is_occupied() else 0.0)


def _go_on() -> None:
    """Send more frames where more engines have come."""
    if _current is not None and _current.has_frames_to_send:
        _current.advance()


def register() -> None:
    """Follow what the engines do."""
    engine.pump.on_run.append(_go_on)


def unregister() -> None:
    """Stop following."""
    engine.pump.on_run.remove(_go_on)


TIMERS = (_tick,)
