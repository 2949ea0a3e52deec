"""A shot in a window: begun, cancelled, gone on with, and played."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.contract.png import read_job
from tests.blender.hosts import CHECKOUT, Host
from tests.blender.windows import PICTURES, window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

FRAMES = 24
CANCEL = ("1272", "160")
SCRIPT = f"""
import bpy
scene = bpy.context.scene
scene.render.resolution_percentage = 25
scene.frame_start, scene.frame_end, scene.frame_step = 1, {FRAMES}, 1
scene.mixdiff.num_inference_steps = 6
scene.mixdiff.canvas_size, scene.mixdiff.coherence = "render", "carried"
scene.mixdiff.seed = 4
camera = scene.camera
for frame, shift in ((1, -0.3), ({FRAMES}, 0.3)):
    camera.delta_location.x = shift
    camera.keyframe_insert("delta_location", index=0, frame=frame)
scene.frame_set(1)
bpy.ops.wm.save_mainfile()
"""


@pytest.mark.timeout(900)
def test_a_shot_is_begun_cancelled_gone_on_with_and_played(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    host.run_python(SCRIPT, extension_zip=extension_zip, blend=blend).check()
    folder = tmp_path / "mixdiff/street-0001"

    def frames() -> list[Path]:
        return sorted(folder.glob("*.png"))

    with window(host, extension_zip, blend, display) as person:
        person.wait_until("the tab", lambda told: told["tab"] == "MixDiff", 120)
        time.sleep(2)
        person.search("mixdiff frame range")
        time.sleep(2)
        person.shot("shot dialog")
        person.do("xdotool", "key", "Return")
        person.wait_until("some frames", lambda _: len(frames()) >= 4, 300)
        person.shot("shot running")
        person.do("xdotool", "mousemove", *CANCEL)
        person.let_it_see()
        person.do("xdotool", "click", "1")
        told = person.wait_until("the end", lambda told: "Cancelled" in str(told["says"]), 60)
        assert "frames are there. Resume makes the rest" in told["says"]
        there = frames()
        assert 4 <= len(there) < FRAMES
        times = [file.stat().st_mtime_ns for file in there]

        person.script("import bpy; bpy.context.scene.mixdiff.num_inference_steps = 8")
        time.sleep(2)
        person.search("mixdiff frame range")
        time.sleep(3)
        person.shot("shot changed")  # what is other is named, and there is a choice
        person.do("xdotool", "key", "Escape")
        person.script("import bpy; bpy.context.scene.mixdiff.num_inference_steps = 6")
        time.sleep(2)
        person.search("mixdiff frame range")
        time.sleep(2)
        person.shot("shot going on")
        person.do("xdotool", "key", "Return")
        person.wait_until("all frames", lambda told: len(frames()) == FRAMES, 500)
        person.wait_until("its report", lambda told: "24 frames" in str(told["says"]), 30)
        assert [file.stat().st_mtime_ns for file in there] == times
        person.script("bpy.context.scene.frame_set(20)")
        time.sleep(3)
        late = person.shot("shot at 20")
        person.script("bpy.context.scene.frame_set(2)")
        time.sleep(3)
        early = person.shot("shot at 2")
        left, top, right, bottom = (round(side) for side in person.told()["frame"])
        assert np.abs(late - early)[top:bottom, left:right].mean() > 4  # it plays over the view
    assert {read_job(file)["seed"] for file in frames()} == {4}
    pictures = [Image.open(file).convert("RGB") for file in frames()]
    width, height = pictures[0].size
    sheet = Image.new("RGB", (width * 4, height * 6))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % 4 * width, number // 4 * height))
    sheet.save(Path(PICTURES or tmp_path) / "shot sheet.png")
