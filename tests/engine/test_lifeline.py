"""No engine outlives the process that started it, whatever either of them is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine.worker_process import CHECKOUT, wait_until

# A client whose pipe somebody else holds open too, so that the end of stdin never comes.
CLIENT = """
import os, subprocess, sys, threading
from pathlib import Path
from mixdiff_blender.client import EngineClient, Launch

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
from engine.lifeline import LIFELINE_VARIABLE, hold

hold(os.environ[LIFELINE_VARIABLE])
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
