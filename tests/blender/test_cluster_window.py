"""Pictures over a Ray cluster from the panel, in a window: one taken out, all cancelled, killed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.blender.hosts import CHECKOUT, Host, HostFailedError
from tests.blender.windows import window

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.window,
    pytest.mark.slow,
    pytest.mark.executable,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="needs `pip install -r engine/requirements-ray.txt`",
    ),
]

CANCEL, CANCEL_SECOND = ("1272", "160"), ("1272", "264")
SCRIPT = """
import bpy
scene = bpy.context.scene
scene.render.resolution_percentage = 25
scene.mixdiff.num_inference_steps = 40
scene.mixdiff.canvas_size = "render"
scene.mixdiff.seed = 4
bpy.ops.wm.save_mainfile()
"""
SET = """
import bpy
addon = bpy.context.preferences.addons["bl_ext.user_default.mixdiff"]
addon.preferences.cluster = {address!r}
"""


def processes(word: str) -> list[psutil.Process]:
    """Return the processes whose command has a word."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if word in " ".join(process.info["cmdline"] or ()):
            found.append(process)
    return found


@pytest.fixture
def address() -> Iterator[str]:
    """A cluster of this machine with room for two engines."""
    from ray.util import get_node_ip_address

    host = get_node_ip_address()
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    words = ["--head", "--block", "--port", str(port)]
    words += ["--num-cpus", "8", "--num-gpus", "0", "--include-dashboard", "false"]
    env = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
    }
    command = [str(Path(sys.executable).with_name("ray")), "start", *words]
    for _ in range(4):
        head = subprocess.Popen(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if _begins(head, host, port):
            break
    else:
        pytest.skip("Ray does not begin: the machine is too busy for it")
    yield f"{host}:{port}"
    head.terminate()
    head.wait(60)


def _begins(head: subprocess.Popen[bytes], host: str, port: int) -> bool:
    """Whether a cluster stands: on a busy machine it may give itself up in its first 20 s."""
    end = time.monotonic() + 120
    while head.poll() is None and not _answers(host, port):
        assert time.monotonic() < end
        time.sleep(0.5)
    with contextlib.suppress(subprocess.TimeoutExpired):
        head.wait(25)
    return head.poll() is None


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.timeout(900)
def test_pictures_over_a_cluster_one_taken_out_all_cancelled_and_blender_killed(
    find_host: Callable[[str], Host],
    extension_zip: Path,
    display: str,
    tmp_path: Path,
    address: str,
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    host.run_python(SCRIPT, extension_zip=extension_zip, blend=blend).check()
    folder = tmp_path / "mixdiff"

    def pictures() -> list[str]:
        return sorted(file.name for file in folder.glob("*.png") if file.stat().st_size)

    with (
        contextlib.suppress(HostFailedError),  # as it is killed at the end
        window(host, extension_zip, blend, display) as person,
    ):

        def several() -> None:
            person.search("generate several mixdiff")
            time.sleep(2)
            person.do("xdotool", "key", "Return")

        def at_work(told: dict[str, Any]) -> bool:
            assert f" at {address}" not in told["says"], told["says"]
            return len(told["painting"]) == 2

        person.wait_until("the tab", lambda told: told["tab"] == "MixDiff", 120)
        person.script(SET.format(address=address))
        time.sleep(2)
        several()
        told = person.wait_until("two at work", at_work, 300)
        person.let_it_see()
        person.shot("cluster running")
        doomed = told["painting"][1]
        person.do("xdotool", "mousemove", *CANCEL_SECOND)
        person.let_it_see()
        person.do("xdotool", "click", "1")
        told = person.wait_until("the end", lambda told: not told["busy"], 400)
        person.shot("cluster done")
        assert told["results"] == 3
        assert len(pictures()) == 3
        assert doomed not in pictures()

        several()
        person.wait_until("two at work", at_work, 100)
        person.do("xdotool", "mousemove", *CANCEL)
        person.let_it_see()
        person.do("xdotool", "click", "1")
        told = person.wait_until("the end", lambda told: not told["busy"], 60)
        assert "Cancelled" in told["says"]
        assert told["results"] == len(pictures()) < 7

        person.script(SET.format(address="127.0.0.1:9"))
        time.sleep(1)
        several()
        person.wait_until("an answer", lambda told: "nothing answers" in told["says"], 100)
        person.let_it_see()
        person.shot("cluster out of reach")

        person.script(SET.format(address=address))
        time.sleep(1)
        several()
        person.wait_until("two at work", at_work, 200)
        assert processes("ray::ClusterEngine")
        assert processes(f"serve --ray {address}")
        (blender,) = (one for one in processes(str(blend)) if one.name() == "blender")
        blender.send_signal(signal.SIGKILL)
        end = time.monotonic() + 60
        while processes("ray::ClusterEngine") or processes(f"serve --ray {address}"):
            assert time.monotonic() < end
            time.sleep(0.5)
    assert not [file for file in folder.glob("*.png") if 0 < file.stat().st_size < 100]
