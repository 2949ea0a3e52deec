"""The worker: runs a client's jobs, one after another, over stdin and stdout."""

from __future__ import annotations

import base64
import logging
import os
import platform
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, BinaryIO

from engine import __version__
from engine.contract.checks import check
from engine.contract.errors import Cancelled, EngineError
from engine.contract.limits import Limits
from engine.contract.models import model_problems
from engine.contract.png import encode_png
from engine.contract.protocol import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    METHODS,
    PROTOCOL_VERSION,
    Failure,
    Message,
    Notification,
    ProtocolError,
    Request,
    RequestId,
    Result,
    decode,
    failure,
    read_lines,
)
from engine.contract.requests import (
    GenerateParams,
    InitializeParams,
    PreloadParams,
    ValidateParams,
    read_params,
)
from engine.process.imports import for_good
from engine.process.watchdog import PARENT_VARIABLE, watch_parent
from engine.process.wire import Wire, take_over_stdio

log = logging.getLogger("engine.worker")

_LOG_BYTES = 2**20
_LOG_FILES = 3
_GRACE_S = 1.5
_ANSWER_S = 0.25


class Worker:
    """Answers requests in the order they came; `cancel` at once, from the reading thread."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._waiting: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._open: set[RequestId] = set()
        self._cancelled: set[RequestId] = set()
        self._stopping = threading.Event()
        self._limits = Limits()
        self._keeper: Any = None
        self.is_generating = False
        """Whether a job runs, which may be writing a file."""

    def read(self, stream: BinaryIO) -> None:
        """Read requests until the stream ends, then let the worker stop."""
        try:
            for line in read_lines(stream):
                self._read_line(line)
        except BrokenPipeError:
            log.info("the client closed the pipe")
        finally:
            self._stopping.set()
            self._waiting.put(None)

    def _read_line(self, line: bytes | ProtocolError) -> None:
        try:
            if isinstance(line, ProtocolError):
                raise line
            self._accept(decode(line))
        except ProtocolError as error:
            log.warning("a line was refused: %s", error)
            self._wire.send(failure(None, error))

    def _accept(self, message: Message) -> None:
        match message:
            case Request(method="cancel"):
                self._wire.send(self._answer_cancel(message))
            case Request() if message.method not in METHODS:
                known = ", ".join(METHODS)
                text = f"the method {message.method!r} is not known; use one of: {known}"
                raise ProtocolError(METHOD_NOT_FOUND, text, message.id)
            case Request() if message.id in self._open:
                raise ProtocolError(INVALID_REQUEST, f"the id {message.id!r} is already in use")
            case Request():
                self._open.add(message.id)
                self._waiting.put(message)
            case _:
                log.warning("a message that is no request was ignored: %s", type(message).__name__)

    def _answer_cancel(self, request: Request) -> Result:
        target: Any = request.params.get("id")
        is_open = isinstance(target, int | str) and target in self._open
        if is_open:
            self._cancelled.add(target)
        return Result(id=request.id, result={"cancelled": is_open})

    def run(self) -> None:
        """Answer requests until asked to stop."""
        while (request := self._waiting.get()) is not None:
            try:
                answer: Result | Failure = Result(id=request.id, result=self._answer(request))
            except (ProtocolError, EngineError) as error:
                log.info("request %s: %s", request.id, error)
                answer = failure(request.id, error)
            except Exception as error:
                log.exception("request %s failed", request.id)
                answer = failure(request.id, error)
            self.is_generating = False
            self._open.discard(request.id)
            self._cancelled.discard(request.id)
            self._wire.send(answer)
            if request.method == "shutdown":
                return

    def _answer(self, request: Request) -> dict[str, Any]:
        methods: dict[str, Callable[[Request], dict[str, Any]]] = {
            "initialize": self._initialize,
            "validate": self._validate,
            "preload": self._preload,
            "generate": self._generate,
            "unload": self._unload,
            "shutdown": lambda _: {},
        }
        return methods[request.method](request)

    def _is_cancelled(self, id_: RequestId) -> bool:
        return self._stopping.is_set() or id_ in self._cancelled

    def _initialize(self, request: Request) -> dict[str, Any]:
        params = dict(request.params)
        limits = params.pop("limits", {})
        wanted = read_params(InitializeParams, params)
        if not isinstance(limits, dict):
            raise ProtocolError(INVALID_PARAMS, "params.limits is not an object")
        bounds = read_params(Limits, limits)
        if wanted.protocol != PROTOCOL_VERSION:
            text = f"params.protocol: this engine speaks version {PROTOCOL_VERSION} alone"
            raise ProtocolError(INVALID_PARAMS, text)
        if wanted.log_file is not None:
            _log_to(Path(wanted.log_file))
        self._limits = bounds

        with for_good():
            import torch

            from engine.model_keeper import ModelKeeper
            from engine.process.quiet import silence_libraries
            from engine.runtime.devices import choose_device, device_count, machine_of

            silence_libraries()
        device = choose_device(wanted.device, wanted.dtype)
        self._keeper = ModelKeeper(device=device, default_model=wanted.model)
        log.info("ready on %s", device)
        versions = {"python": platform.python_version(), "torch": torch.__version__}
        return {
            "protocol": PROTOCOL_VERSION,
            "engine": __version__,
            "pid": os.getpid(),
            **device.to_document(),
            "places": device_count(device),
            "machine": machine_of(device).to_document(),
            "versions": versions,
        }

    def _validate(self, request: Request) -> dict[str, Any]:
        wanted = read_params(ValidateParams, request.params, elsewhere=("job",))
        document, folder = request.params["job"], Path(wanted.folder)
        facts = self._keeper and self._keeper.facts(document, folder)
        checked = check(document, folder=folder, facts=facts, limits=self._limits)
        problems = checked.problems
        if checked.job is not None:
            default = self._keeper and self._keeper.default_model
            problems += model_problems(checked.job.model or default, folder)
        return {"problems": [problem.to_document() for problem in problems]}

    def _preload(self, request: Request) -> dict[str, Any]:
        """Import what a model needs, and load it, as far as nobody asks for something else."""
        if self._keeper is None:
            raise ProtocolError(INVALID_PARAMS, "preload came before initialize")
        wanted = read_params(PreloadParams, request.params)
        self._give_way(request)
        with for_good():
            import engine.run  # noqa: F401
        self._give_way(request)
        folder = Path(wanted.folder)
        self._keeper.import_classes(self._keeper.facts({"model": wanted.model}, folder))
        if wanted.only_libraries:
            return {"memory": ""}
        self._give_way(request)
        return {"memory": self._keeper.preload(folder, wanted.model)}

    def _give_way(self, request: Request) -> None:
        if self._is_cancelled(request.id) or not self._waiting.empty():
            raise Cancelled

    def _generate(self, request: Request) -> dict[str, Any]:
        if self._keeper is None:
            raise ProtocolError(INVALID_PARAMS, "generate came before initialize")
        wanted = read_params(GenerateParams, request.params, elsewhere=("job",))
        if self._is_cancelled(request.id):
            raise Cancelled
        self.is_generating = True

        with for_good():
            from engine.run import RunRequest, run
            from engine.sampling.events import Done, PhaseBegan, Preview, RowsDone, StepDone

        output = Path(wanted.output).absolute()
        run_request = RunRequest(
            document=request.params["job"],
            folder=Path(wanted.folder) if wanted.folder else output.parent,
            output=output,
            latents=Path(wanted.latents) if wanted.latents else None,
            preview_every_s=wanted.preview_every_s,
        )

        def notify(method: str, **params: Any) -> None:
            self._wire.send(Notification(method=method, params={"id": request.id, **params}))

        for event in run(
            run_request,
            self._keeper,
            limits=self._limits,
            is_cancelled=lambda: self._is_cancelled(request.id),
        ):
            match event:
                case PhaseBegan():
                    log.info("request %s: %s", request.id, event.phase)
                    notify("phase", phase=event.phase)
                case StepDone():
                    elapsed_s = round(event.elapsed_s, 3)
                    notify("progress", **{**asdict(event), "elapsed_s": elapsed_s})
                case RowsDone():
                    notify("rows", row=event.row, rows=event.rows)
                case Preview():
                    height, width, _ = event.picture.shape
                    png = encode_png((width, height), event.picture.tobytes())
                    size = {"width_px": width, "height_px": height}
                    image = base64.b64encode(png).decode("ascii")
                    notify("preview", step=event.step, image=image, **size)
                case Done():
                    log.info("request %s: done in %s", request.id, event.timings_s)
                    return {
                        "output": str(event.output),
                        "job": event.job,
                        "problems": [problem.to_document() for problem in event.problems],
                        "steps": [str(path) for path in event.steps],
                        "timings_s": event.timings_s,
                        "taken_bytes": event.taken_bytes,
                    }
        raise AssertionError("a run ends with Done or raises")

    def _unload(self, request: Request) -> dict[str, Any]:
        if self._keeper is not None:
            self._keeper.unload()
        return {}


def _log_to(path: Path) -> None:
    try:
        handler = RotatingFileHandler(path, "a", _LOG_BYTES, _LOG_FILES, encoding="utf-8")
    except OSError as error:
        log.warning("no log file: %s", error)
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def serve() -> int:
    """Serve requests from stdin until it ends, and return the exit code."""
    watch_parent(os.environ.get(PARENT_VARIABLE, ""))
    reads, writes = take_over_stdio()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    worker = Worker(Wire(writes))

    def read_then_stop() -> None:
        worker.read(reads)
        # The client is gone. A job notices between two denoiser calls; a library that is deep
        # in a call of its own does not, and nobody is left to wait for it. What else was asked
        # for may still be read: `echo REQUEST | python -m engine serve` gets its answer.
        grace_s = _GRACE_S if worker.is_generating else _ANSWER_S
        threading.Timer(grace_s, lambda: os._exit(0)).start()

    threading.Thread(target=read_then_stop, name="reader", daemon=True).start()
    try:
        worker.run()
    except BrokenPipeError:
        log.info("the client closed the pipe")
    logging.shutdown()
    # No wait for threads of libraries: everything that matters is on disk or sent.
    os._exit(0)
