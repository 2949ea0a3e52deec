"""A person at a real window who draws regions with the tool, drags them, and undoes it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.hosts import CHECKOUT, EXECUTABLE_NAMES, Host
from tests.blender.windows import Place, Window, window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

TOOL = "mixdiff.draw_regions"
PLACES = ((40, 104, 64, 144), (24, 120, 200, 288), (136, 232, 328, 464))
"""Rectangles of the canvas: top, bottom, left, right."""


class Canvas:
    """The canvas on the screen."""

    def __init__(self, told: dict[str, Any]) -> None:
        left, top, right, bottom = told["frame"]
        self._start = left, top
        self._scale = (right - left) / 512, (bottom - top) / 256

    def at(self, row: float, column: float) -> Place:
        """Return where a place of the canvas is on the screen."""
        return (
            round(self._start[0] + column * self._scale[0]),
            round(self._start[1] + row * self._scale[1]),
        )


def drawn(told: dict[str, Any]) -> dict[str, list[int]]:
    """Return where the drawn regions lie, by their names."""
    return {name: place for name, place in told["regions"] if name.startswith("Region")}


def are_at(told: dict[str, Any], wanted: Sequence[tuple[int, ...]]) -> bool:
    """Return whether the drawn regions lie there, up to a cell of the model's grid."""
    places = sorted(drawn(told).values())
    return len(places) == len(wanted) and np.allclose(places, sorted(wanted), atol=8)


def take(person: Window, tool: str) -> None:
    """Have a tool in hand."""
    (person.folder / "tool").write_text(tool)
    person.wait_until(tool, lambda told: told["tool"] == tool, 20)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", EXECUTABLE_NAMES[:1])
def test_regions_are_drawn_in_a_row_grabbed_scaled_and_undone(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path, name: str
) -> None:
    host = find_host(name)
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    script = (
        "import bpy\n"
        "scene = bpy.context.scene\n"
        "scene.render.resolution_x, scene.render.resolution_y = 512, 256\n"
        "scene.render.resolution_percentage = 100\n"
        "bpy.ops.wm.save_mainfile()\n"
    )
    host.run_python(script, extension_zip=extension_zip, blend=blend).check()
    with window(host, extension_zip, blend, display) as person:
        told = person.wait_until("the view", lambda told: told["frame"], 120)
        time.sleep(2)
        canvas = Canvas(told)
        take(person, TOOL)

        # Beside the camera's view a press only looks through the camera.
        person.do("xdotool", "mousemove", *map(str, canvas.at(40, 64)), "key", "KP_0")
        person.wait_until("another view", lambda told: not told["frame"], 20)
        person.do("xdotool", "click", "1")
        told = person.wait_until("the camera's view", lambda told: told["frame"], 20)
        assert told["modal"] == []
        person.shot(f"{name}-view")

        # Three in a row, with nothing in between.
        for top, bottom, left, right in PLACES:
            person.drag(canvas.at(top, left), canvas.at(bottom, right))
        told = person.wait_until("three", partial(are_at, wanted=PLACES), 20)
        assert told["tool"] == TOOL
        person.shot(f"{name}-three")

        # The first one by its inside.
        _, second, third = PLACES
        moved = (64, 128, 40, 120)
        person.drag(canvas.at(72, 104), canvas.at(96, 80))
        told = person.wait_until("moved", partial(are_at, wanted=(moved, second, third)), 20)
        assert np.allclose(drawn(told)[told["active"]], moved, atol=8)
        person.shot(f"{name}-moved")

        # By its lower right corner, and with Blender's own tool by the left side.
        scaled = (64, 200, 40, 176)
        person.drag(canvas.at(128, 120), canvas.at(200, 176))
        person.wait_until("scaled", partial(are_at, wanted=(scaled, second, third)), 20)
        take(person, "builtin.select_box")
        person.drag(canvas.at(100, 40), canvas.at(100, 8))
        wider = (64, 200, 8, 176)
        person.wait_until("wider", partial(are_at, wanted=(wider, second, third)), 20)
        person.shot(f"{name}-scaled")
        take(person, TOOL)

        # Given up, everything is as before.
        person.drag(canvas.at(100, 100), canvas.at(200, 300), then="Escape")
        person.let_it_see()
        assert are_at(person.told(), (wider, second, third))

        # A click on another only selects it; Shift draws over it; Ctrl has it on the grid.
        active = person.told()["active"]
        person.do("xdotool", "mousemove", *map(str, canvas.at(70, 240)), "click", "1")
        person.wait_until("another", lambda told: told["active"] != active, 20)
        person.drag(canvas.at(50, 220), canvas.at(90, 260), "shift")
        over = (50, 90, 220, 260)
        person.wait_until("a fourth", partial(are_at, wanted=(wider, second, third, over)), 20)
        person.shot(f"{name}-over")

        # Each is one step back.
        for step, wanted in (
            ("the fourth", (wider, second, third)),
            ("the click", (wider, second, third)),
            ("the side", (scaled, second, third)),
            ("the corner", (moved, second, third)),
            ("the inside", PLACES),
            ("the third", PLACES[:2]),
            ("the second", PLACES[:1]),
        ):
            person.do("xdotool", "key", "ctrl+z")
            person.let_it_see()
            told = person.wait_until(f"undo of {step}", partial(are_at, wanted=wanted), 20)
        assert told["tool"] == TOOL
        person.shot(f"{name}-undone")
