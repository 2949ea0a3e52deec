"""A person at a real window who makes a part of a picture again: an object, then with a lasso."""

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
from tests.blender.test_drawing_window import Canvas
from tests.blender.windows import window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]


@pytest.mark.timeout(900)
def test_an_object_and_then_a_lasso_are_made_again(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    script = (
        "import bpy\n"
        "scene = bpy.context.scene\n"
        "scene.render.resolution_x, scene.render.resolution_y = 512, 256\n"
        "scene.render.resolution_percentage = 100\n"
        "scene.mixdiff.num_inference_steps = 12\n"
        "bpy.ops.object.select_all(action='DESELECT')\n"
        "bpy.ops.wm.save_mainfile()\n"
    )
    host.run_python(script, extension_zip=extension_zip, blend=blend).check()

    def picture(number: int) -> np.ndarray:
        return np.asarray(Image.open(tmp_path / f"mixdiff/street-{number:04d}.png")).astype(int)

    with window(host, extension_zip, blend, display) as person:
        told = person.wait_until("the view", lambda told: told["frame"], 120)
        canvas = Canvas(told)
        person.search("generate mixdiff picture")
        person.wait_until("a job", lambda told: told["busy"], 60)
        person.wait_until("the picture", lambda told: not told["busy"], 300)
        person.shot("again-first")

        # An object is selected, and its region made again.
        name = "House left"
        person.script(
            f"bpy.data.objects[{name!r}].select_set(True)\n"
            f"bpy.context.view_layer.objects.active = bpy.data.objects[{name!r}]\n"
        )
        person.wait_until("a selection", lambda told: told["selected"] == 1, 20)
        person.search("make regions of mixdiff picture again")
        person.wait_until("a job", lambda told: told["busy"], 60)
        person.wait_until("the picture", lambda told: not told["busy"], 300)
        time.sleep(2)
        person.shot("again-object")
        kept = read_job(tmp_path / "mixdiff/street-0002.png")
        assert kept["kept"]["regions"] == [name]
        region = next(one for one in kept["regions"] if one["name"] == name)
        outside = np.ones((256, 512), bool)
        rows, columns = (slice(region[f"{a}_init"], region[f"{a}_end"]) for a in ("row", "col"))
        outside[rows, columns] = False
        assert np.array_equal(picture(1)[outside], picture(2)[outside])
        assert (picture(1)[~outside] != picture(2)[~outside]).mean() > 0.3

        # A lasso around a part of the sky.
        person.search("make lassoed part of mixdiff picture again")
        lasso = "MIXDIFF_OT_again_lasso"
        person.wait_until("the lasso", lambda told: lasso in told["modal"], 60)
        corners = [canvas.at(*place) for place in ((10, 180), (10, 330), (90, 330), (90, 180))]
        person.do("xdotool", "mousemove", *map(str, corners[0]))
        person.let_it_see()
        person.do("xdotool", "mousedown", "1")
        for x, y in corners:
            person.let_it_see()
            person.do("xdotool", "mousemove", str(x), str(y))
        person.let_it_see()
        person.shot("again-lasso")
        person.do("xdotool", "mouseup", "1")
        person.wait_until("a job", lambda told: told["busy"], 60)
        person.wait_until("a preview", lambda told: told["preview"] or not told["busy"], 100)
        person.shot("again-lasso-preview")
        person.wait_until("the picture", lambda told: not told["busy"], 300)
        time.sleep(2)
        person.shot("again-lassoed")
        changed = (picture(2) != picture(3)).any(axis=2)
        assert changed[20:80, 200:310].mean() > 0.5
        changed[:112, 158:352] = False
        assert not changed.any()

        # What is painted over the picture, in an Image Editor that is open.
        person.script(
            "for area in bpy.context.window_manager.windows[0].screen.areas:\n"
            "    if area.type == 'PROPERTIES':\n"
            "        area.type = 'IMAGE_EDITOR'\n"
        )
        person.let_it_see()
        person.search("paint what to make again")
        time.sleep(4)
        person.shot("again-paint")
        person.drag((1450, 600), (1500, 630))
        person.shot("again-painted")
        person.search("make painted part of mixdiff picture again")
        person.wait_until("a job", lambda told: told["busy"], 60)
        person.wait_until("the picture", lambda told: not told["busy"], 300)
        time.sleep(2)
        person.shot("again-painted-made")
        share = (picture(3) != picture(4)).any(axis=2).mean()
        assert 0.005 < share < 0.4
