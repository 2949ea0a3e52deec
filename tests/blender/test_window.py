"""A person at a real window: the panel is there, and F3 finds the operator and runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.blender.hosts import Host
from tests.blender.test_whole_path import SCRIPTS

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

TOOLS = ("Xvfb", "xdotool", "import")


@pytest.fixture
def display(require_hosts: bool) -> Iterator[str]:
    """An X display of the test's own."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        reason = f"{', '.join(missing)} missing (packages xvfb, xdotool, imagemagick)"
        pytest.fail(reason) if require_hosts else pytest.skip(reason)
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as told:
        yield f":{told.readline().strip()}"
    server.terminate()
    server.wait(10)


def wait_for(path: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.2)


@pytest.mark.timeout(400)
def test_f3_makes_a_picture_and_the_panel_shows_it(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "street.blend"
    host.run_python(SCRIPTS / "save_street.py", blend, extension_zip=extension_zip).check()

    def at_the_window(*command: str) -> None:
        env = {**os.environ, "DISPLAY": display}
        subprocess.run(command, env=env, check=True, timeout=60)

    def shot(name: str) -> np.ndarray:
        at_the_window("import", "-window", "root", str(tmp_path / name))
        return np.asarray(Image.open(tmp_path / name).convert("RGB")).astype(int)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            host.run_window,
            SCRIPTS / "window.py",
            tmp_path,
            display=display,
            extension_zip=extension_zip,
            blend=blend,
            timeout_s=300,
        )
        try:
            wait_for(tmp_path / "ready", 100)
            time.sleep(2)
            before = shot("before.png")
            at_the_window("xdotool", "mousemove", "600", "400", "key", "F3")
            time.sleep(2)
            at_the_window("xdotool", "type", "--delay", "60", "generate mixdiff")
            time.sleep(2)
            searched = shot("search.png")
            at_the_window("xdotool", "key", "Return")
            wait_for(tmp_path / "done", 120)
            time.sleep(2)
            after = shot("after.png")
        finally:
            (tmp_path / "quit").touch()
            running.result()
    assert before.std() > 10  # not a black window
    assert (before != searched).any()
    sidebar = slice(1000, 1600)
    assert (before[:, sidebar] != after[:, sidebar]).any()
    assert [path.name for path in (tmp_path / "mixdiff").iterdir()] == ["street-0001.png"]
