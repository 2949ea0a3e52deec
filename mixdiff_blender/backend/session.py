"""One engine for one Blender: starts it, gives it jobs one after another, and knows what it does.

Knows nothing of Blender itself: whoever owns the session calls `pump` from one thread, and hears
of a job's end there.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..contract import PROTOCOL_VERSION, Cancelled, EngineError, Problem
from .client import Answer, EngineClient, EngineNotification, ErrorResponse, Event, ProcessExit

HANDSHAKE_S = 180.0  # importing torch from a slow disk can take a minute
CANCEL_GRACE_S = 3.0
_PATIENCE_S = 20.0  # an engine that has begun for longer is not worth keeping for the next job


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """No engine runs; the next job starts one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """The engine loads its libraries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The engine waits for a job."""

    device: str
    device_name: str
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generating:
    """A job runs; `steps` is 0 until the first step, `rows` until the first strip is decoded."""

    phase: str
    step: int = 0
    steps: int = 0
    row: int = 0
    rows: int = 0
    remaining_s: float | None = None
    preview: str = field(default="", repr=False)
    """The last preview, a PNG in base64."""

    @property
    def share(self) -> float:
        """How much of the steps is done, or of the rows once the picture is decoded."""
        if self.row:
            return self.row / self.rows
        return self.step / self.steps if self.steps else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """A job was told to stop and has not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The engine could not start, or died; the next job starts another."""

    error: EngineError


State = Stopped | Starting | Ready | Generating | Cancelling | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job on its way; its document's relative paths start at `folder`."""

    document: Mapping[str, Any]
    folder: Path
    output: Path
    scene_name: str = ""
    """Where the picture is wanted, for those who show the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished job: the picture, and the document with everything drawn at random filled in."""

    output: Path
    document: Mapping[str, Any]
    problems: tuple[Problem, ...]
    timings_s: Mapping[str, float]


Outcome = Done | EngineError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """An order in the queue; `on_end` is called once, from `pump` or from what ended it."""

    order: JobRequest
    on_end: Callable[[Outcome], None]


class Session:
    """Holds the engine's process from its first job until `stop`."""

    def __init__(
        self,
        connect: Callable[[], EngineClient],
        *,
        explain: Callable[[EngineError], EngineError] = lambda error: error,
    ) -> None:
        """`connect` starts an engine or raises EngineError; `explain` says why none began."""
        self.state: State = Stopped()
        self.preview_every_s = 0.0
        """How often a job shows what it has painted so far; 0 for never."""
        self.has_model = False
        """Whether a model may be in the engine's memory."""
        self.facts: Mapping[str, str] = {}
        """What the engine told of itself when it began last: device, versions."""
        self._connect = connect
        self._explain = explain
        self._client: EngineClient | None = None
        self._ready: Ready | None = None
        self._handshake: int | None = None
        self._started_at = 0.0
        self._work: Job | None = None
        self._waiting: list[Job] = []
        self._job: int | None = None
        self._unload: int | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job is under way or waits, from `generate` until its end was told."""
        return self._work is not None or bool(self._waiting)

    @property
    def current(self) -> Job | None:
        """The job that is under way."""
        return self._work

    @property
    def queue(self) -> tuple[Job, ...]:
        """The jobs that wait for the current one, in the order in which they will run."""
        return tuple(self._waiting)

    @property
    def outputs(self) -> frozenset[Path]:
        """The files that jobs under way or waiting will write."""
        jobs = [self._work, *self._waiting]
        return frozenset(job.order.output for job in jobs if job)

    @property
    def engine_pid(self) -> int | None:
        """The engine's process, where one runs."""
        return self._client.pid if self._client else None

    def generate(self, order: JobRequest, on_end: Callable[[Outcome], None]) -> Job:
        """Begin a job, or have it wait for those before it.

        Raises: EngineError of kind `environment` where the engine cannot be started for it.
        """
        job = Job(order=order, on_end=on_end)
        if self.is_busy:
            self._waiting.append(job)
        else:
            self._begin_work(job)
        return job

    def move(self, job: Job, places: int) -> None:
        """Move a waiting job towards the end of the queue, or by a negative number to its front."""
        if job in self._waiting:
            place = self._waiting.index(job)
            self._waiting.remove(job)
            self._waiting.insert(max(0, place + places), job)

    def remove(self, job: Job) -> None:
        """Take a job out of the queue; the one under way is cancelled."""
        if job is self._work:
            self.cancel()
        elif job in self._waiting:
            self._waiting.remove(job)
            job.on_end(Cancelled())

    def cancel(self) -> None:
        """Ask the current job to stop; an engine that does not within the grace time is ended.

        Asked a second time, the engine is ended at once. The next job starts another.
        """
        if not self._work or not self._client:
            return
        if self._job is None:
            if time.monotonic() - self._started_at > _PATIENCE_S:
                self._client.kill(Cancelled())
            else:
                self._end_work(Cancelled())
        elif isinstance(self.state, Cancelling):
            self._client.kill(Cancelled())
        else:
            self._client.cancel(self._job, grace_s=CANCEL_GRACE_S)
            self.state = Cancelling()

    def unload(self) -> None:
        """Have an idle engine give the model's memory back; the next job loads it again."""
        if self._client and self._ready and not self.is_busy:
            self._unload = self._client.request("unload", {})
            self.has_model = False

    @property
    def is_unloading(self) -> bool:
        """Whether the memory is on its way back."""
        return self._client is not None and self._unload is not None

    def pump(self, wait_s: float = 0.0) -> None:
        """Take in what the engine has told, waiting for the first message at most so long."""
        while self._client:
            try:
                event = self._client.events.get(block=wait_s > 0, timeout=wait_s or None)
            except queue.Empty:
                return
            wait_s = 0.0
            self._take(event)

    def stop(self) -> None:
        """End the engine, the job that may run in it, and those that wait."""
        client, self._client = self._client, None
        self._ready = self._handshake = None
        waiting, self._waiting = self._waiting, []
        if client:
            client.stop()
        self.state = Stopped()
        self.has_model = False
        self._end_work(Cancelled())
        for job in waiting:
            job.on_end(Cancelled())

    def _begin_work(self, job: Job) -> None:
        self._ensure_engine()
        self._work = job
        if self._ready:
            self._send()

    def _ensure_engine(self) -> None:
        if self._client and self._client.is_running:
            return
        try:
            self._client = self._connect()
        except EngineError as error:
            self.state = Failed(error=error)
            raise
        self._ready = self._unload = None
        self._started_at = time.monotonic()
        self.has_model = False
        self.state = Starting()
        self._handshake = self._client.request(
            "initialize",
            {"protocol": PROTOCOL_VERSION},
            timeout_s=HANDSHAKE_S,
        )

    def _send(self) -> None:
        assert self._work is not None
        assert self._client is not None
        order = self._work.order
        params = {
            "job": dict(order.document),
            "folder": str(order.folder),
            "output": str(order.output),
            "preview_every_s": self.preview_every_s,
        }
        self._job = self._client.request("generate", params)
        self.state = Generating(phase="loading")
        self.has_model = True

    def _take(self, event: Event) -> None:
        match event:
            case Answer() if event.id == self._handshake:
                self._begin(event.result)
            case ErrorResponse() if event.id == self._handshake:
                self._fail(self._explain(event.error))
            case Answer() if event.id == self._job:
                self._end_job(_done(event.result))
            case ErrorResponse() if event.id == self._job:
                self._end_job(event.error)
            case EngineNotification() if event.id == self._job and isinstance(
                self.state, Generating
            ):
                if isinstance(self.state, Generating):
                    self.state = _progressed(self.state, event)
            case Answer() | ErrorResponse() if event.id == self._unload:
                self._unload = None
            case ProcessExit():
                self._lose(event.error)
            case _:
                pass  # the answer to `cancel`, or news that came too late

    def _begin(self, told: Mapping[str, Any]) -> None:
        self._handshake = None
        names = ("device", "device_name", "dtype")
        self.facts = _facts(told)
        self._ready = Ready(**{name: str(told.get(name, "")) for name in names})
        self.state = self._ready
        if self._work:
            self._send()

    def _fail(self, error: EngineError) -> None:
        """Give up an engine that would not begin."""
        client, self._client = self._client, None
        self._ready = self._handshake = None
        if client:
            client.kill(error)
        self.has_model = False
        self.state = Stopped() if error.kind == "cancelled" else Failed(error=error)
        self._end_work(error)

    def _lose(self, error: EngineError | None) -> None:
        """Note that the process is gone; its open requests have ended before this event."""
        self._client = self._ready = self._handshake = None
        self.has_model = False
        if not isinstance(self.state, Failed):
            failed = error is not None and error.kind != "cancelled"
            self.state = Failed(error=error) if error and failed else Stopped()

    def _end_job(self, outcome: Outcome) -> None:
        self._job = None
        crashed = isinstance(outcome, EngineError) and outcome.kind in ("crashed", "protocol")
        if crashed and isinstance(outcome, EngineError):
            self.state = Failed(error=outcome)
        elif self._client and self._client.is_running:
            self.state = self._ready or Stopped()
        else:
            self.state = Stopped()
        self._end_work(outcome)

    def _end_work(self, outcome: Outcome) -> None:
        work, self._work = self._work, None
        self._job = None
        if work:
            work.on_end(outcome)
        while self._waiting and not self._work:
            following = self._waiting.pop(0)
            try:
                self._begin_work(following)
            except EngineError as error:
                following.on_end(error)


def _facts(told: Mapping[str, Any]) -> dict[str, str]:
    """Return what an engine told of itself, in one level."""
    versions = told.get("versions")
    flat = {**told, **(versions if isinstance(versions, dict) else {})}
    return {name: str(value) for name, value in flat.items() if not isinstance(value, dict)}


def _progressed(state: Generating, news: EngineNotification) -> Generating:
    match news.method, news.params:
        case "phase", {"phase": str(phase)}:
            # A job that begins again, more frugally, decodes again from its first row.
            return replace(state, phase=phase, remaining_s=None, row=0, rows=0)
        case "progress", {"step": int(step), "steps": int(steps), **rest}:
            left = rest.get("remaining_s")
            remaining = float(left) if isinstance(left, int | float) else None
            return replace(state, step=step, steps=steps, remaining_s=remaining)
        case "rows", {"row": int(row), "rows": int(rows)}:
            return replace(state, row=row, rows=rows)
        case "preview", {"image": str(image)}:
            return replace(state, preview=image)
    return state


def _done(told: Any) -> Outcome:
    try:
        return Done(
            output=Path(told["output"]),
            document=told["job"],
            problems=tuple(Problem.from_document(p) for p in told.get("problems", ())),
            timings_s=told.get("timings_s", {}),
        )
    except (KeyError, TypeError, AttributeError) as error:
        return EngineError(
            f"the engine's answer is not a result: {error!r}",
            kind="protocol",
            advice="the add-on and the engine may be of different versions",
        )
