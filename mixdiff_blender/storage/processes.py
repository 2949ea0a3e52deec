"""Programs that are listened to line by line, and ended when nobody wants them any more."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contract import Cancelled, EngineError
from .watchdog import tie_to_parent

_LOOK_EVERY_S = 0.1
_KEPT_LINES = 40


class FailedProgram(Exception):  # noqa: N818
    """A program that ended with another exit code than 0; `output` is what it said last."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


def lines_of(
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    *,
    is_cancelled: Callable[[], bool],
) -> Iterator[str]:
    """Run a program and yield what it says, line by line; an empty line now and then meanwhile.

    Raises: FailedProgram; Cancelled soon after `is_cancelled` turns true; EngineError of kind
    `environment` where it cannot be started.
    """
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    kept: list[str] = []
    words = [str(word) for word in command]
    process = start(
        words,
        variables,
        fault=f"{words[0]} cannot be started",
        advice="install the engine again",
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )

    def listen() -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                said.put(line.decode("utf-8", "replace").rstrip())
        said.put(None)

    threading.Thread(target=listen, name="mixdiff_installation", daemon=True).start()
    try:
        while True:
            if is_cancelled():
                raise Cancelled
            try:
                line = said.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                line = ""
            if line is None:
                break
            if line:
                kept = [*kept, line][-_KEPT_LINES:]
            yield line
        if process.wait() != 0:
            raise FailedProgram("\n".join(kept) or f"exit code {process.returncode}")
    finally:
        kill(process)
        process.wait()


def start(
    command: Sequence[str], variables: Mapping[str, str], *, fault: str, advice: str, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start a program that can be ended with all that it starts, and ends with Blender.

    Raises: EngineError of kind `environment` where it cannot be started.
    """
    flags: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env=dict(variables), **flags, **streams
        )
        tie_to_parent(process)
    except OSError as error:
        message = f"{fault}: {error.strerror or error}"
        raise EngineError(message, kind="environment", advice=advice) from error
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a program now, with all that it has started."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):  # it went by itself just now
            os.killpg(process.pid, signal.SIGKILL)


def answer_of(
    command: Sequence[str | Path], *, timeout_s: float, variables: Mapping[str, str] | None = None
) -> str | None:
    """Return what a program that is soon through says; None where it fails, or does not run."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
            env=variables,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
