"""One process of the engine: starts it, gives it one job at a time, and knows what it does.

Knows nothing of Blender, nor of jobs that wait: whoever owns a session calls `pump` from one
thread, and is notified of a job's end there.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..contract import PROTOCOL_VERSION, Cancelled, EngineError, Problem
from .client import Answer, Client, EngineNotification, ErrorResponse, Event, ProcessExit
from .states import (
    HERE,
    Ahead,
    Cancelling,
    Done,
    Failed,
    Generating,
    Job,
    Outcome,
    Preloading,
    Ready,
    Starting,
    State,
    Stopped,
    Unloading,
)

HANDSHAKE_S = 180.0  # importing torch from a slow disk can take a minute
CANCEL_GRACE_S = 3.0
_PATIENCE_S = 20.0  # an engine that has begun for longer is not worth keeping for the next job


class Session:
    """Holds the engine's process from its first job until `stop`."""

    def __init__(
        self,
        connect: Callable[[], Client],
        *,
        explain: Callable[[EngineError], EngineError] = lambda error: error,
        place: str = HERE,
        on_machine: Callable[[object], None] = lambda _: None,
    ) -> None:
        """`connect` starts an engine or raises EngineError; `explain` says why none began.

        `on_machine` gets what an engine says of its computer when it begins.
        """
        self.place = place
        self.state: State = Stopped()
        self.preview_every_s = 0.0
        """How often a job shows what it has generated so far; 0 for never."""
        self.facts: Mapping[str, str] = {}
        """What the engine reported of itself when one began last: device, versions."""
        self.was_used = False
        """Whether a job was ever sent."""
        self.not_ahead: EngineError | None = None
        """Why nothing could be made ready ahead, until a job is begun."""
        self._connect = connect
        self._explain = explain
        self._on_machine = on_machine

    @property
    def job(self) -> Job | None:
        """The job that is under way, until its end is notified."""
        match self.state:
            case Starting(job=job) | Generating(job=job) | Cancelling(job=job):
                return job
            case Stopped() | Preloading() | Ready() | Unloading() | Failed():
                return None

    @property
    def client(self) -> Client | None:
        """The engine's process, where one runs."""
        return None if isinstance(self.state, Stopped | Failed) else self.state.client

    @property
    def engine_pid(self) -> int | None:
        """The id of the engine's process, where one runs."""
        return self.client.pid if self.client else None

    @property
    def has_model(self) -> bool:
        """Whether a model may be in the engine's memory."""
        match self.state:
            case Ready(has_model=has_model):
                return has_model
            case Preloading(is_loaded=is_loaded):
                return is_loaded
            case Generating() | Cancelling():
                return True
            case Stopped() | Starting() | Unloading() | Failed():
                return False

    @property
    def count(self) -> int:
        """How many engines there can be where this one is, as far as it has said."""
        return int(self.facts.get("places", "1"))

    @property
    def is_active(self) -> bool:
        """Whether the engine owes an answer."""
        return isinstance(self.state, Starting | Preloading | Generating | Cancelling | Unloading)

    def generate(self, job: Job) -> None:
        """Begin a job, where none is under way; an engine is started for it where none runs.

        Raises: EngineError of kind `environment` where the engine cannot be started.
        """
        assert self.job is None
        self.was_used, self.not_ahead = True, None
        match self.state:
            case Ready(client=client) | Preloading(client=client) | Unloading(client=client) if (
                client.is_running
            ):
                self.state = self._sent(client, job)
            case Starting(client=client) as starting if client.is_running:
                self.state = replace(starting, job=job)
            case _:
                self.state = self._started(job)

    def begin_ahead(self, ahead: Ahead) -> None:
        """Start an engine before any job, where none runs, and have it get ready.

        What fails is kept in `not_ahead`: nobody has asked for anything yet.
        """
        if isinstance(self.state, Stopped):
            try:
                self.state = self._started(None, ahead)
            except EngineError as error:
                self.state, self.not_ahead = Stopped(), error

    def cancel(self, *, patiently: bool = False) -> None:
        """Ask the job to stop; an engine that does not within the grace time is ended.

        Asked a second time, the engine is ended at once. The next job starts another. `patiently`
        ends no engine: a step, or a model that is being loaded, is waited for.
        """
        match self.state:
            case Starting(job=Job() as job) as state:
                if not patiently and time.monotonic() - state.started_at_s > _PATIENCE_S:
                    state.client.kill(Cancelled())
                else:
                    self.state = replace(state, job=None)
                    job.on_end(Cancelled())
            case Generating(client=client, request_id=request_id, job=job):
                client.cancel(request_id, grace_s=None if patiently else CANCEL_GRACE_S)
                self.state = Cancelling(client=client, request_id=request_id, job=job)
            case Cancelling(client=client) if not patiently:
                client.kill(Cancelled())
            case _:
                pass

    def unload(self) -> None:
        """Have an idle engine give the model's memory back; the next job loads it again."""
        if isinstance(self.state, Ready | Preloading):
            client = self.state.client
            self.state = Unloading(client=client, request_id=client.request("unload", {}))

    def pump(self, wait_s: float = 0.0) -> None:
        """Take in what the engine has reported, waiting for the first message at most so long."""
        while client := self.client:
            try:
                event = client.events.get(block=wait_s > 0, timeout=wait_s or None)
            except queue.Empty:
                return
            wait_s = 0.0
            job = self.job
            self.state, outcome = self._transition(self.state, event)
            if job and outcome is not None:
                job.on_end(outcome)

    def stop(self) -> None:
        """End the engine, and the job that may run in it."""
        client, job = self.client, self.job
        self.state = Stopped()
        if client:
            client.stop()
        if job:
            job.on_end(Cancelled())

    def _transition(self, state: State, event: Event) -> tuple[State, Outcome | None]:
        """Return the state after an event, and the outcome that ends the state's job."""
        match state, event:
            case ((Starting(job=None, ahead=Ahead()) | Preloading()), ProcessExit(error=error)):
                self.not_ahead = error
                return Stopped(), None
            case _, ProcessExit(error=error):
                return _without_engine(error), error or Cancelled()
            case ((Stopped() | Failed() | Ready()), _):
                return state, None
            case _ if event.id != state.request_id:
                return state, None  # the answer to `cancel`, or to what nobody waits for any more
            case Starting() as starting, Answer(result=result):
                self.facts = _facts(result)
                self._on_machine(result.get("machine"))
                return self._begun(starting), None
            case Starting(client=client, job=job, ahead=ahead), ErrorResponse(error=error):
                error = self._explain(error)
                client.kill(error)
                if ahead and not job:
                    self.not_ahead = error
                    return Stopped(), None
                return _without_engine(error), error
            case Preloading(client=client, is_loaded=is_loaded), Answer():
                return self._ready(client, has_model=is_loaded), None
            case Preloading(client=client), ErrorResponse(error=error):
                return self._after_preload(client, error), None
            case Generating(progress=progress), EngineNotification():
                return replace(state, progress=progress.after(event)), None
            case ((Generating() | Cancelling()), (Answer() | ErrorResponse())):
                outcome = _done(event.result) if isinstance(event, Answer) else event.error
                if isinstance(outcome, Done) and isinstance(state, Cancelling):
                    outcome = replace(outcome, was_cancelled=True)
                return self._after_job(state.client, outcome), outcome
            case Unloading(client=client), (Answer() | ErrorResponse()):
                return self._ready(client), None
        return state, None  # a notification that comes too late

    def _begun(self, starting: Starting) -> State:
        client, ahead = starting.client, starting.ahead
        if starting.job:
            return self._sent(client, starting.job)
        if ahead is None:
            return self._ready(client)
        params = {"only_libraries": not ahead.is_loaded}
        named = {} if ahead.model is None else {"model": ahead.model}
        request_id = client.request("preload", {**params, **named})
        return Preloading(client=client, request_id=request_id, is_loaded=ahead.is_loaded)

    def _after_preload(self, client: Client, error: EngineError) -> State:
        self.not_ahead = error
        if error.kind in ("crashed", "protocol"):
            client.kill(error)
            return Stopped()
        return self._ready(client)

    def _started(self, job: Job | None, ahead: Ahead | None = None) -> Starting:
        try:
            client = self._connect()
        except EngineError as error:
            self.state = Failed(error=error)
            raise
        hello = {"protocol": PROTOCOL_VERSION}
        request_id = client.request("initialize", hello, timeout_s=HANDSHAKE_S)
        now = time.monotonic()
        return Starting(
            client=client, request_id=request_id, started_at_s=now, job=job, ahead=ahead
        )

    def _ready(self, client: Client, *, has_model: bool = False) -> Ready:
        return Ready(client=client, facts=self.facts, has_model=has_model)

    def _sent(self, client: Client, job: Job) -> Generating:
        params = {
            "job": dict(job.request.document),
            "folder": str(job.request.folder),
            "output": str(job.request.output),
            # What nobody asked for shows no previews, which cost both sides time.
            "preview_every_s": 0.0 if job.request.gives_way else self.preview_every_s,
        }
        return Generating(client=client, request_id=client.request("generate", params), job=job)

    def _after_job(self, client: Client, outcome: Outcome) -> State:
        match outcome:
            case EngineError(kind="crashed" | "protocol"):
                client.kill(outcome)
                return Failed(error=outcome)
            case Cancelled():  # not the engine's own answer: it was ended
                return Stopped()
            case _:
                return self._ready(client, has_model=True)


def _without_engine(error: EngineError | None) -> Stopped | Failed:
    return Stopped() if error is None or error.kind == "cancelled" else Failed(error=error)


def _facts(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return what an engine reports of itself, in one level."""
    versions = answer.get("versions")
    flat = {**answer, **(versions if isinstance(versions, dict) else {})}
    return {name: str(value) for name, value in flat.items() if not isinstance(value, dict)}


def _done(answer: Any) -> Outcome:
    try:
        return Done(
            output=Path(answer["output"]),
            document=answer["job"],
            problems=tuple(Problem.from_document(p) for p in answer.get("problems", ())),
            timings_s=answer.get("timings_s", {}),
            taken_bytes=answer.get("taken_bytes", 0),
        )
    except (KeyError, TypeError, AttributeError) as error:
        return EngineError(
            f"the engine's answer is not a result: {error!r}",
            kind="protocol",
            advice="the add-on and the engine may be of different versions",
        )
