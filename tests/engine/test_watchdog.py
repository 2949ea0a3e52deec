"""No engine outlives the process that started it, whatever either of them is doing."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from engine.process import watchdog
from mixdiff_blender.storage import watchdog as addon_watchdog
from tests.engine.worker_process import CHECKOUT, wait_until

# A client whose pipe somebody else holds open too, so that the end of stdin never comes.
CLIENT = """
import os, subprocess, sys, threading
from pathlib import Path
from mixdiff_blender.backend.client import EngineClient, Launch

launch = Launch(command=(sys.executable, "-c", sys.argv[1]), environment=dict(os.environ))

def start():
    client = EngineClient(launch, log_file=Path(sys.argv[2]))
    os.set_inheritable(client._process.stdin.fileno(), True)
    keeper = subprocess.Popen(["sleep", "30"], close_fds=False, start_new_session=True)
    print(client.pid, keeper.pid, flush=True)

if sys.argv[3] == "another thread":
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
else:
    start()
sys.stdin.read()
"""

ENGINE = """
import ctypes, os, sys, time
from pathlib import Path
from engine.process.watchdog import PARENT_VARIABLE, watch_parent

watch_parent(os.environ[PARENT_VARIABLE])
if {busy!r} == "in a call of torch":
    import torch
    big = torch.ones(12000, 12000)
    Path({ready!r}).touch()
    torch.matmul(big, big)
elif {busy!r} == "holding the interpreter's lock":
    Path({ready!r}).touch()
    ctypes.PyDLL(None).sleep(60)
else:
    Path({ready!r}).touch()
    time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("busy", "starter"),
    [
        ("waiting", "the main thread"),
        ("waiting", "another thread"),
        ("in a call of torch", "the main thread"),
        ("in a call of torch", "another thread"),
        ("holding the interpreter's lock", "the main thread"),
    ],
)
def test_an_engine_ends_within_two_seconds_of_a_killed_client(
    busy: str, starter: str, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    engine = ENGINE.format(busy=busy, ready=str(ready))
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, engine, str(tmp_path / "engine.log"), starter],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    pid, keeper = map(int, client.stdout.readline().split())
    try:
        wait_until(ready.exists, 60)
        time.sleep(0.7)  # the client's other thread is long gone: that alone must end nothing
        assert is_alive(pid)
        client.kill()
        client.wait(10)
        wait_until(lambda: not is_alive(pid), 2)
    finally:
        os.kill(keeper, signal.SIGKILL)
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
        client.kill()


class _Waited(BaseException):
    """The watch has given up and leaves the end to other means."""


def _of_system(name: str, module: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module of ours as another system would read it."""
    monkeypatch.setattr(sys, "platform", name)
    spec = importlib.util.spec_from_file_location(f"{module.__name__} there", module.__file__)
    assert spec is not None
    assert spec.loader is not None
    there = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(there)

    def give_up() -> None:
        raise _Waited

    monkeypatch.setattr(there, "_wait_for_ever", give_up, raising=False)
    return there


@pytest.mark.parametrize(
    ("flags", "data", "is_watched"),
    [(0, 0, True), (0x4000, errno.ESRCH, True), (0x4000, errno.EACCES, False)],
)
def test_on_macos_the_end_of_the_client_is_told_apart_from_a_watch_that_failed(
    flags: int, data: int, is_watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    class Queue:
        def control(self, changes: list[Any], most: int) -> list[Any]:
            asked.extend(changes)
            return [SimpleNamespace(flags=flags, data=data)]

    names = {"KQ_FILTER_PROC": -5, "KQ_EV_ADD": 1, "KQ_EV_ONESHOT": 0x10, "KQ_NOTE_EXIT": 1 << 31}
    for name, value in {**names, "KQ_EV_ERROR": 0x4000}.items():
        monkeypatch.setattr(select, name, value, raising=False)
    monkeypatch.setattr(select, "kqueue", Queue, raising=False)
    event = lambda ident, **rest: SimpleNamespace(ident=ident, **rest)  # noqa: E731
    monkeypatch.setattr(select, "kevent", event, raising=False)
    there = _of_system("darwin", watchdog, monkeypatch)
    if is_watched:
        there._wait_for_end_of(77)
    else:
        with pytest.raises(_Waited):
            there._wait_for_end_of(77)
    told = SimpleNamespace(ident=77, filter=-5, flags=0x11, fflags=1 << 31)
    assert asked == [told]


@pytest.mark.parametrize(
    ("handle", "waited", "is_watched"), [(5, 0, True), (0, 0, False), (5, 0xFFFFFFFF, False)]
)
def test_on_windows_the_end_of_the_client_is_told_apart_from_a_watch_that_failed(
    handle: int, waited: int, is_watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = MagicMock()
    kernel.OpenProcess.return_value = handle
    kernel.WaitForSingleObject.return_value = waited
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    there = _of_system("win32", watchdog, monkeypatch)
    if is_watched:
        there._wait_for_end_of(77)
    else:
        with pytest.raises(_Waited):
            there._wait_for_end_of(77)
    kernel.OpenProcess.assert_called_once_with(0x00100000, False, 77)


def test_on_windows_the_engine_joins_a_job_that_ends_with_its_only_handle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int, int]] = []

    def set_information(job: Any, kind: int, limits: Any, size: int) -> int:
        content = bytes(limits._obj)
        seen.append((kind, int.from_bytes(content[16:20], "little"), size))
        return 1

    kernel = MagicMock()
    kernel.CreateJobObjectW.return_value = 9
    kernel.SetInformationJobObject.side_effect = set_information
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    there = _of_system("win32", addon_watchdog, monkeypatch)
    for _ in range(2):
        there.tie_to_parent(SimpleNamespace(_handle=4))
    # Of JOBOBJECT_EXTENDED_LIMIT_INFORMATION on 64 bits: its number, KILL_ON_JOB_CLOSE, its size.
    assert seen == [(9, 0x2000, 144)]
    assert kernel.AssignProcessToJobObject.call_count == 2
