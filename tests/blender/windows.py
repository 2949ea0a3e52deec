"""A Blender with a window on an X display, and the hands and eyes of a person before it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.blender.hosts import SCRIPTS, Host, HostRun

TOOLS = ("Xvfb", "xdotool", "import")
Place = tuple[int, int]
"""Pixels of the screen, from its upper left corner."""
PICTURES = os.environ.get("MIXDIFF_PICTURES")  # a folder that keeps the screenshots


@contextmanager
def x_display(require_hosts: bool) -> Iterator[str]:
    """An X display of one's own."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A Blender on an X display, and the hands and eyes of a person before it."""

    display: str
    folder: Path
    run: Future[HostRun]

    def do(self, *command: str) -> None:
        """Run a command at the display."""
        env = {**os.environ, "DISPLAY": self.display}
        subprocess.run(command, env=env, check=True, timeout=60)

    def shot(self, name: str) -> Any:
        """Take a screenshot and return it, (H, W, 3)."""
        path = Path(PICTURES or self.folder) / f"{name}.png"
        self.do("import", "-window", "root", str(path))
        return np.asarray(Image.open(path).convert("RGB")).astype(int)

    def told(self) -> dict[str, Any]:
        """Return what the script in the window told last."""
        path = self.folder / "told.json"
        told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return told

    def wait_until(
        self, what: str, is_so: Callable[[dict[str, Any]], Any], seconds: float
    ) -> dict[str, Any]:
        """Wait until what the script tells is as it should be, and return it."""
        end = time.monotonic() + seconds
        while True:
            told = self.told()
            if told and is_so(told):
                return told
            if self.run.done():
                pytest.fail(f"{what}: Blender has ended\n{self.run.result().output}")
            assert time.monotonic() < end, f"{what} did not come: {told}"
            time.sleep(0.2)

    def let_it_see(self) -> None:
        """Wait until the window has taken in what was done."""
        shown = self.told()["shown"]
        self.wait_until("a reaction", lambda told: told["shown"] > shown + 3, 60)

    def script(self, text: str) -> None:
        """Run a script, as from a text of Blender's."""
        aside = self.folder / "run.part"
        aside.write_text(text)
        aside.replace(self.folder / "run.py")

    def drag(self, start: Place, end: Place, *keys: str, then: str = "") -> None:
        """Drag with the left button while keys are held; `then` is pressed before it is let go."""
        self.do("xdotool", "mousemove", *map(str, start))
        self.let_it_see()
        for key in keys:
            self.do("xdotool", "keydown", key)
        self.do("xdotool", "mousedown", "1")
        for step in (0.0, 0.2, 0.6, 1.0):
            self.let_it_see()
            x, y = (round(a + (b - a) * step) for a, b in zip(start, end, strict=True))
            self.do("xdotool", "mousemove", str(x), str(y))
        self.let_it_see()
        if then:
            self.do("xdotool", "key", then)
            self.let_it_see()
        self.do("xdotool", "mouseup", "1")
        for key in keys:
            self.do("xdotool", "keyup", key)
        self.let_it_see()

    def search(self, words: str) -> None:
        """Run an operator as F3 finds it."""
        self.do("xdotool", "mousemove", "300", "820", "key", "F3")
        self.let_it_see()
        self.do("xdotool", "type", "--delay", "60", words)
        self.let_it_see()
        # What lies under the mouse is marked: the best one is the first.
        self.do("xdotool", "key", "--repeat", "9", "--delay", "30", "Up")
        self.let_it_see()
        self.do("xdotool", "key", "Return")


@contextmanager
def window(
    host: Host, extension_zip: Path, blend: Path, display: str, script: str = "window.py"
) -> Iterator[Window]:
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(
            host.run_window,
            SCRIPTS / script,
            blend.parent,
            display=display,
            extension_zip=extension_zip,
            blend=blend,
            timeout_s=800,
        )
        try:
            yield Window(display=display, folder=blend.parent, run=run)
        finally:
            (blend.parent / "quit").touch()
            ended = run.result()
        ended.check()
