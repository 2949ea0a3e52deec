"""The worker's other face: hands a client's jobs on to a cluster, many at a time.

It speaks what `serve` speaks, so that whoever talks to a worker talks to a cluster. What `serve`
makes one after the other is made side by side here; `initialize` says at how many places.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import Any

from engine import __version__
from engine.batch.cluster import Wanted, cluster, versions
from engine.batch.pool import Pool
from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Began, Closed, Failed, Lost, Made, News, OpenEngine, Stepped
from engine.contract.chance import resolve_random
from engine.contract.checks import check
from engine.contract.errors import Cancelled, EngineError, Problem, warning
from engine.contract.limits import Limits
from engine.contract.models import facts_of
from engine.contract.protocol import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PROTOCOL_VERSION,
    Failure,
    Notification,
    ProtocolError,
    Request,
    RequestId,
    Result,
    decode,
    failure,
    read_lines,
)
from engine.contract.requests import GenerateParams, InitializeParams, read_params
from engine.process.watchdog import PARENT_VARIABLE, watch_parent
from engine.process.wire import Wire, take_over_stdio
from engine.storage.png import moved

log = logging.getLogger("engine.relay")


@dataclass(slots=True, kw_only=True)
class _Open:
    """A request whose picture is not there yet."""

    id: RequestId
    task: BatchTask
    warnings: tuple[Problem, ...]
    sampling_since_s: float = 0.0


@dataclass(slots=True)
class Relay:
    """Answers a client by what a cluster's places make; told from their threads too."""

    wire: Wire
    address: str
    wanted: Wanted
    _cluster: ExitStack = field(default_factory=ExitStack)
    _places: Mapping[str, OpenEngine] = field(default_factory=dict)
    _pool: Pool | None = None
    _open: dict[RequestId, _Open] = field(default_factory=dict)
    _given_up: dict[str, EngineError] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, request: Request) -> None:
        """Answer a request; that for a picture once it is there."""
        try:
            result = self._answered(request)
        except (ProtocolError, EngineError) as error:
            log.info("request %s: %s", request.id, error)
            self.wire.send(failure(request.id, error))
        except Exception as error:
            log.exception("request %s failed", request.id)
            self.wire.send(failure(request.id, error))
        else:
            if result is not None:
                self.wire.send(Result(id=request.id, result=result))

    def close(self) -> None:
        """End all that runs on the cluster, and leave it."""
        if self._pool is not None:
            self._pool.end()
        self._cluster.close()

    def _answered(self, request: Request) -> dict[str, Any] | None:
        match request.method:
            case "initialize":
                return self._initialize(request)
            case "generate":
                self._generate(request)
                return None
            case "cancel":
                return {"cancelled": self._cancel(request.params.get("id"))}
            case "unload":
                if self._pool is not None:
                    self._pool.rest()
                return {}
            case "shutdown":
                return {}
        text = f"a cluster does not answer {request.method!r}"
        raise ProtocolError(METHOD_NOT_FOUND, text, request.id)

    def _initialize(self, request: Request) -> dict[str, Any]:
        wanted = read_params(InitializeParams, request.params)
        if wanted.protocol != PROTOCOL_VERSION:
            text = f"params.protocol: this engine speaks version {PROTOCOL_VERSION} alone"
            raise ProtocolError(INVALID_PARAMS, text)
        if not self._places:
            self._places = self._cluster.enter_context(cluster(self.address, self.wanted))
            log.info("joined %s: %d places", self.address, len(self._places))
        return {
            "protocol": PROTOCOL_VERSION,
            "engine": __version__,
            "pid": os.getpid(),
            "device": "cluster",
            "device_name": self.address,
            "dtype": "",
            "places": len(self._places),
            "versions": versions(),
        }

    def _generate(self, request: Request) -> None:
        if not self._places:
            raise ProtocolError(INVALID_PARAMS, "generate came before initialize")
        wanted = read_params(GenerateParams, request.params, elsewhere=("job",))
        if wanted.latents is not None:
            raise ProtocolError(INVALID_PARAMS, "params.latents: a cluster writes none; leave it")
        document, output = request.params["job"], Path(wanted.output).absolute()
        folder = Path(wanted.folder) if wanted.folder else output.parent
        named = document.get("model") if isinstance(document, Mapping) else None
        facts = facts_of(named if isinstance(named, str) else None, folder)
        checked = check(document, folder=folder, facts=facts, limits=self.wanted.limits)
        job = resolve_random(checked.job_or_raise(), SystemRandom())
        task = BatchTask(job=moved(job, folder, output.parent), output=output)
        with self._lock:
            self._open[request.id] = _Open(id=request.id, task=task, warnings=())
            self._notify(request.id, "phase", phase="waiting")
            self._hired().add(task)

    def _hired(self) -> Pool:
        """Return the places' pool; where all had been given up, another try."""
        if self._pool is None or len(self._given_up) == len(self._places):
            if self._pool is not None:
                self._pool.end()
            self._given_up.clear()
            self._pool = Pool(self._places, self._tell, stays=True)
        return self._pool

    def _cancel(self, id_: object) -> bool:
        with self._lock:
            one = self._open.pop(id_, None) if isinstance(id_, int | str) else None
        if one is None:
            return False
        assert self._pool is not None
        self._pool.cancel(one.task)
        self.wire.send(failure(one.id, Cancelled()))
        return True

    def _tell(self, news: News) -> None:
        """Pass on what a place told."""
        with self._lock:
            if isinstance(news, Closed):
                self._give_up(news)
                return
            one = next((one for one in self._open.values() if one.task is news.task), None)
            if one is None:
                return  # cancelled, and answered
            match news:
                case Began():
                    self._notify(one.id, "phase", phase="loading")
                case Stepped():
                    self._step(one, news.step, news.steps)
                case Lost():
                    text = f"{news.place} was lost in the middle of it: {news.error.message}"
                    said = warning("", "", text, "it was made elsewhere; nothing is to be done")
                    one.warnings = (*one.warnings, said)
                    self._notify(one.id, "phase", phase="waiting")
                case Failed():
                    self._end(one, failure(one.id, news.error))
                case Made():
                    self._end(one, Result(id=one.id, result=self._made(one, news)))

    def _step(self, one: _Open, step: int, steps: int) -> None:
        now = time.monotonic()
        if step == 1 or not one.sampling_since_s:
            one.sampling_since_s = now
            self._notify(one.id, "phase", phase="sampling")
        left = (now - one.sampling_since_s) / (step - 1) * (steps - step) if step > 1 else None
        self._notify(one.id, "progress", step=step, steps=steps, remaining_s=left)
        if step == steps:
            self._notify(one.id, "phase", phase="decoding")

    def _made(self, one: _Open, news: Made) -> dict[str, Any]:
        given_up = (
            warning("", "", f"{place} is given up: {error.message}", error.advice or "see its log")
            for place, error in self._given_up.items()
        )
        problems = (*news.account.problems, *one.warnings, *given_up)
        return {
            "output": str(one.task.output),
            "job": one.task.document,
            "problems": [problem.to_document() for problem in problems],
            "steps": list(news.account.steps),
            "timings_s": dict(news.account.timings_s),
            "taken_bytes": 0,
        }

    def _give_up(self, news: Closed) -> None:
        """Note that a place is closed; with the last one nothing more can be made."""
        log.warning("%s is given up: %s", news.place, news.error)
        self._given_up[news.place] = news.error
        if len(self._given_up) < len(self._places):
            return
        error = news.error
        for one in list(self._open.values()):
            message = f"no engine of the cluster is left: {error.message}"
            wrong = EngineError(message, kind=error.kind, advice=error.advice)
            self._end(one, failure(one.id, wrong))

    def _end(self, one: _Open, answer: Result | Failure) -> None:
        del self._open[one.id]
        self.wire.send(answer)

    def _notify(self, id_: RequestId, method: str, **params: Any) -> None:
        self.wire.send(Notification(method=method, params={"id": id_, **params}))


def relay(address: str, *, cpus_each: int) -> int:
    """Serve a cluster's places to the client on stdin until it ends, and return the exit code."""
    watch_parent(os.environ.get(PARENT_VARIABLE, ""))
    reads, writes = take_over_stdio()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    wanted = Wanted(device="auto", dtype="auto", cpus_each=cpus_each, limits=Limits())
    hands_on = Relay(Wire(writes), address, wanted)
    try:
        _read(hands_on, reads)
        hands_on.close()
    except BrokenPipeError:
        log.info("the client closed the pipe")
    logging.shutdown()
    os._exit(0)  # what it had on the cluster ends with it


def _read(hands_on: Relay, reads: Any) -> None:
    for line in read_lines(reads):
        try:
            if isinstance(line, ProtocolError):
                raise line
            message = decode(line)
        except ProtocolError as error:
            hands_on.wire.send(failure(None, error))
            continue
        if isinstance(message, Request):
            hands_on.answer(message)
            if message.method == "shutdown":
                return
