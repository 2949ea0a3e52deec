"""The devices of this machine: a worker process each, spoken to over its pipes, without a port."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import engine
from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Account, OpenEngine, Step
from engine.contract.errors import EngineError, Problem
from engine.contract.limits import Limits
from engine.contract.protocol import (
    PROTOCOL_VERSION,
    Failure,
    Notification,
    ProtocolError,
    Request,
    Result,
    decode,
    encode,
    exception,
    read_lines,
)
from engine.process.watchdog import PARENT_VARIABLE

_SERVE = (
    "import sys; sys.path.append(sys.argv.pop(1)); from engine.cli import main; sys.exit(main())"
)
_LAST_BYTES = 2000


def places_here(device: str, dtype: str, limits: Limits) -> dict[str, OpenEngine]:
    """Return this machine's devices of the wanted kind, by their names."""
    from engine.runtime.devices import choose_device, device_count

    chosen = choose_device(device, dtype)
    kind, count = chosen.torch_device.type, device_count(chosen)
    names = [kind] if count == 1 else [f"{kind}:{number}" for number in range(count)]
    wanted = {"device": device, "dtype": dtype, "limits": asdict(limits)}
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    places: dict[str, OpenEngine] = {}
    for number, name in enumerate(names):
        one = shown[number] if number < len(shown) and shown[number] else str(number)
        environment = {"CUDA_VISIBLE_DEVICES": one} if count > 1 else {}
        places[name] = partial(WorkerProcess, name, wanted, environment)
    return places


class WorkerProcess:
    """An engine in a process of its own.

    Raises: EngineError where it does not start, of kind `crashed` where it ended.
    """

    def __init__(
        self, name: str, initialize: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        parent = {PARENT_VARIABLE: f"{os.getpid()}:process"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE, Path(engine.__file__).parents[1], "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            env={**os.environ, **parent, **environment},
        )
        assert self._process.stdout is not None
        self._lines: Iterator[bytes | ProtocolError] = read_lines(self._process.stdout)  # type: ignore[arg-type]
        self._last_id = 0
        try:
            self._answer("initialize", {"protocol": PROTOCOL_VERSION, **initialize})
        except BaseException:
            self.close()
            raise

    def make(self, task: BatchTask, on_step: Step) -> Account:
        """Make a picture; the worker writes its file."""
        params = {
            "job": task.document,
            "output": str(task.output),
            "folder": str(task.folder),
            "preview_every_s": 0,
        }
        told = self._answer("generate", params, on_step)
        return Account(
            problems=tuple(Problem.from_document(one) for one in told["problems"]),
            timings_s=told["timings_s"],
            steps=tuple(told["steps"]),
        )

    def cancel(self) -> None:
        """Ask for the end of the picture that is being made."""
        self._send(Request(id=0, method="cancel", params={"id": self._last_id}))

    def close(self) -> None:
        """End the process; a picture that it was writing leaves nothing."""
        self._process.kill()
        self._process.wait()

    def _answer(
        self, method: str, params: Mapping[str, Any], on_step: Step = lambda *_: None
    ) -> Any:
        self._last_id += 1
        self._send(Request(id=self._last_id, method=method, params=params))
        try:
            for line in self._lines:
                if isinstance(line, ProtocolError):
                    break
                match decode(line):
                    case Notification(method="progress", params=told):
                        on_step(told["step"], told["steps"])
                    case Result(id=self._last_id, result=result):
                        return result
                    case Failure() as failed:
                        raise exception(failed)
        except (OSError, ProtocolError):
            pass  # gone, or as good as gone
        raise self._crash()

    def _send(self, request: Request) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # gone, which reading its answer tells
            self._process.stdin.write(encode(request))

    def _crash(self) -> EngineError:
        self.close()
        self._log.seek(max(self._log.seek(0, os.SEEK_END) - _LAST_BYTES, 0))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        said = f": {lines[-1]}" if lines else ""
        code = self._process.returncode
        return EngineError(
            f"the engine on {self._name} ended with exit code {code}{said}",
            kind="crashed",
            advice="where it is killed for its memory, use a smaller canvas or fewer devices",
        )
