"""Live in a real window: a moved object's picture comes by itself, and nothing holds it up."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.hosts import CHECKOUT, Host
from tests.blender.windows import window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

MOVES = {"drawn again and again": 2, "rests": 3}
"""How often something is moved, by what the view does meanwhile."""
PREPARE = """
import bpy
scene = bpy.context.scene
scene.render.resolution_percentage = 50
for obj in scene.objects:
    obj.mixdiff.shape = "silhouette"
bpy.ops.wm.save_mainfile()
"""


def has_more_than(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda told: len(told["looks"]) > count


@pytest.mark.timeout(600)
def test_a_moved_object_brings_a_new_picture_that_nobody_waits_for(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    host = find_host("blender-5.2")
    host.run_python(PREPARE, extension_zip=extension_zip, blend=blend).check()
    with window(host, extension_zip, blend, display, "live_window.py") as person:
        person.wait_until("the tab", lambda told: told["tab"] == "MixDiff", 120)
        person.do("xdotool", "mousemove", "300", "820")
        time.sleep(2)
        person.shot("live-off")
        person.search("mixdiff live picture")
        person.wait_until("a first look", lambda told: told["looks"], 200)
        time.sleep(1)
        person.shot("live-quick")
        person.wait_until("the picture", lambda told: told["looks"][-1]["full"], 200)
        time.sleep(1)
        before = person.shot("live-full")

        waits: dict[str, list[float]] = {}
        for view, count in MOVES.items():
            waits[view] = []
            if view == "rests":
                (person.folder / "rest").touch()
            for _ in range(count):
                before_it = person.told()
                (person.folder / "move").touch()
                seen = has_more_than(len(before_it["looks"]))
                told = person.wait_until("a look", seen, 100)
                waits[view].append(told["looks"][len(before_it["looks"])]["since_move_s"])
                time.sleep(1 if view == "rests" else 0)
        whole = person.wait_until("the picture", lambda told: told["looks"][-1]["full"], 200)
        (person.folder / "rest").unlink()
        waits["whole, rests"] = [whole["looks"][-1]["since_move_s"]]
        time.sleep(1)
        person.shot("live-moved")
        person.wait_until("the picture", lambda told: told["looks"][-1]["full"], 200)
        time.sleep(1)
        after = person.shot("live-moved-full")
        left, top, right, bottom = (round(side) for side in told["frame"])
        assert (before[top:bottom, left:right] != after[top:bottom, left:right]).mean() > 0.1

        # While it is dragged, the scene shows through what was painted before.
        (person.folder / "drag").touch()
        person.wait_until("the drag", lambda told: told["moves"] > sum(MOVES.values()) + 20, 60)
        person.shot("live-dragged")
        (person.folder / "drag").unlink()
        told = person.wait_until("the picture", lambda told: told["fresh"] and told["full"], 200)
        assert told["results"] == 0
        person.search("mixdiff live picture")
        told = person.wait_until("it is off", lambda told: not told["on"], 60)
        person.wait_until("nothing left", lambda told: told["folders"] == 0, 60)

    held = {name: np.array(times) for name, times in told["held_ms"].items()}
    figures = {
        "first look after a move, s": {
            view: np.round(some, 2).tolist() for view, some in waits.items()
        },
        "held by us, ms": {
            name: {
                "calls": len(ms),
                "median": np.median(ms).round(2),
                "longest": np.sort(ms)[-3:].round(1),
                "over 30 ms, by their number": np.flatnonzero(ms > 30),
            }
            for name, ms in held.items()
        },
    }
    print(figures)
    # Of a machine that others share. One drawing takes longer: the first one after the press,
    # where the picture's shader is compiled.
    assert np.median(waits["rests"]) < 60
    assert max((ms > 30).sum() for ms in held.values()) <= 2
