"""A person at a real window who blocks out a street, has it painted, and puts it to use."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.blender.hosts import Host
from tests.blender.windows import PICTURES, Window, window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

PROMPTS = {
    "House left": "red brick wall",
    "House right": "wooden planks",
    "Road": "grey cobblestone",
    "Sky": "blue sky with clouds",
}
BLOCK_OUT = """
from math import pi
import bpy

for obj in list(bpy.data.objects):
    bpy.data.objects.remove(obj)
bpy.ops.object.camera_add(location=(0, -12, 2), rotation=(pi / 2, 0, 0))
bpy.context.scene.camera = bpy.context.object
for name, x in (("House left", -4), ("House right", 4)):
    bpy.ops.mesh.primitive_cube_add(size=4, location=(x, 2, 2))
    bpy.context.object.name = name
bpy.ops.mesh.primitive_plane_add(size=40, location=(0, 8, 0))
bpy.context.object.name = "Road"
bpy.ops.mesh.primitive_plane_add(size=120, location=(0, 60, 0), rotation=(pi / 2, 0, 0))
bpy.context.object.name = "Sky"
bpy.ops.object.select_all(action="DESELECT")
"""
RENDER = """
import sys
from pathlib import Path
import bpy

folder = Path(sys.argv[1])
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples = "CYCLES", 16
scene.render.resolution_percentage = 40
scene.view_settings.view_transform = "Standard"
place = scene.camera.matrix_world.copy()
boxes = [obj for obj in scene.objects if obj.mixdiff.enabled]


def render(name):
    scene.render.filepath = str(folder / f"{name}.png")
    bpy.ops.render.render(write_still=True)


render("street-render")
scene.camera.location = (-3, -13, 3.6)
scene.camera.rotation_euler = (1.46, 0, -0.22)
render("street-side")
scene.camera.matrix_world = place
for obj in boxes:
    obj.hide_render = True
bpy.ops.mesh.primitive_monkey_add(size=1.6, location=(0, -3, 1))
bpy.ops.object.light_add(type="SUN", rotation=(0.9, 0.2, -0.5))
bpy.context.object.data.energy = 3
bpy.ops.mixdiff.use_in_compositor(placing="BEHIND")
render("street-plate")
"""
OVER_THE_VIEW, BESIDE = ("300", "820"), ("1000", "950")
ADD_SELECTED, GENERATE = ("1106", "724"), ("1160", "160")
PROJECT, BEHIND_RENDER, WORLD = ("1098", "753"), ("1224", "753"), ("1098", "795")
OFF_PROJECT, OFF_BEHIND_RENDER, OFF_WORLD = ("1143", "753"), ("1264", "753"), ("1143", "795")
FIRST_LINE, LINE_PX = (1160, 675), 42


class Hand:
    """The mouse of a person who is counted."""

    def __init__(self, person: Window) -> None:
        self.person = person
        self.clicks = 0

    def over(self, place: tuple[str, str]) -> None:
        """Move there, as slowly as a hand."""
        self.person.do("xdotool", "mousemove", *place)
        self.person.let_it_see()

    def click(self, place: tuple[str, str]) -> None:
        """Click there."""
        self.over(place)
        self.person.do("xdotool", "click", "1")
        self.person.let_it_see()
        self.clicks += 1

    def press(self, key: str) -> None:
        """Press a key over the viewport."""
        self.over(OVER_THE_VIEW)
        self.person.do("xdotool", "key", key)
        self.person.let_it_see()

    def type_into(self, place: tuple[str, str], text: str) -> None:
        """Click into a field and type."""
        self.click(place)
        self.person.do("xdotool", "type", "--delay", "60", text)
        self.person.let_it_see()
        self.person.do("xdotool", "key", "Return")
        self.person.let_it_see()

    def shot(self, name: str) -> None:
        """Take a picture without a tooltip in it."""
        self.over(BESIDE)
        time.sleep(1)
        self.person.shot(name)


def tells(value: Any, *keys: str) -> Callable[[dict[str, Any]], bool]:
    """Return whether the window tells a value under keys, each within the one before it."""

    def is_told(told: dict[str, Any]) -> bool:
        return bool(reduce(getitem, keys, told) == value)

    return is_told


@pytest.mark.timeout(900)
def test_a_street_of_boxes_becomes_a_picture(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "street.blend"
    size = "good" if PICTURES else "draft"
    script = (
        f"{BLOCK_OUT}\n"
        f"bpy.context.scene.mixdiff.canvas_size = {size!r}\n"
        "bpy.context.scene.mixdiff.seed = 9716771209\n"
        f"bpy.ops.wm.save_as_mainfile(filepath={str(blend)!r})\n"
    )
    host.run_python(script, extension_zip=extension_zip).check()
    with window(host, extension_zip, blend, display) as person:
        person.wait_until("the tab", lambda told: told["tab"] == "MixDiff", 120)
        # The engine that the tab has started tells the memory, which has a line of the panel.
        person.wait_until("the engine", tells("Ready", "state"), 120)
        time.sleep(2)
        hand = Hand(person)
        hand.clicks = 1  # on the tab, which the script has opened
        hand.shot("street-blocked-out")
        hand.press("a")
        hand.click(ADD_SELECTED)
        person.wait_until("the regions", lambda told: len(told["read"]) == 4, 30)
        for line, (name, prompt) in enumerate(PROMPTS.items()):
            hand.type_into((str(FIRST_LINE[0]), str(FIRST_LINE[1] + line * LINE_PX)), prompt)
            person.wait_until(name, tells(prompt, "prompts", name), 20)
        hand.shot("street-regions")
        hand.click(GENERATE)
        person.wait_until("a step", lambda told: told["busy"] and told["step"] > 10, 400)
        hand.shot("street-preview")
        told = person.wait_until("the picture", lambda told: not told["busy"], 500)
        assert told["result"], told["says"]
        assert hand.clicks == 7  # as the pages say; what was to be: 10
        hand.shot("street-picture")

        # One key shows the scene, and the picture again.
        for is_over in (False, True):
            hand.press("j")
            person.wait_until("J", tells(is_over, "over the view"), 20)

        # Each use is one click, one click takes it off again, and nothing moves meanwhile.
        for place, uses in (
            (BEHIND_RENDER, ["use_in_compositor"]),
            (WORLD, ["use_in_compositor", "use_as_world"]),
            (OFF_WORLD, ["use_in_compositor"]),
            (OFF_BEHIND_RENDER, []),
            (PROJECT, ["project"]),
            (OFF_PROJECT, []),
            (PROJECT, ["project"]),
        ):
            hand.click(place)
            wanted = [f"mixdiff.{use}" for use in uses]
            person.wait_until(str(wanted), tells(wanted, "uses"), 20)
        hand.shot("street-projected")
        person.script("bpy.ops.wm.save_mainfile()\n")
        person.let_it_see()
    folder = Path(PICTURES or tmp_path)
    host.run_python(RENDER, folder, extension_zip=extension_zip, blend=blend).check()
    picture, front = (
        np.asarray(Image.open(path).convert("RGB").resize((320, 180))).astype(int)
        for path in (tmp_path / "mixdiff/street-0001.png", folder / "street-render.png")
    )
    assert np.median(np.abs(picture - front)) <= 4
