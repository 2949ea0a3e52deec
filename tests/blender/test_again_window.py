"""A person at a real window who paints a scene's objects, makes parts again, and grades one."""

from __future__ import annotations

import json
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
from tests.blender.windows import PICTURES, window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]


BEGINNING = """
import bpy
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 512, 256
scene.render.resolution_percentage = 100
scene.mixdiff.num_inference_steps = {steps}
for obj in bpy.data.objects:
    for name in ("mask_type", "feather_px", "mask_weight"):
        obj.mixdiff.property_unset(name)
    obj.mixdiff.shape = "silhouette"
for name in {names!r}:
    region = bpy.data.objects[name].mixdiff
    region.enabled, region.prompt = False, ""
bpy.ops.object.select_all(action='DESELECT')
bpy.ops.wm.save_mainfile()
"""
SELECTING = """
bpy.ops.object.select_all(action='DESELECT')
for name in {names!r}:
    bpy.data.objects[name].select_set(True)
    bpy.context.view_layer.objects.active = bpy.data.objects[name]
"""
PROMPTS = {
    "House left": "red brick wall",
    "House right": "wooden planks",
    "Road": "grey cobblestone",
}
WORDING = """
for name, prompt in {prompts!r}.items():
    bpy.data.objects[name].mixdiff.prompt = prompt
"""
# Changes the graded hue, and shows the nodes below the 3D viewport.
NODES = """
import json
nodes = bpy.context.scene.compositing_node_group.nodes
graded = [node for node in nodes if node.bl_idname == "CompositorNodeHueSat"]
for node in graded:
    next(one for one in node.inputs if one.name == "Hue").default_value = 0.85
open({file!r}, "w").write(json.dumps([node.name for node in graded]))
screen = bpy.context.window_manager.windows[0].screen
before = set(screen.areas)
view = next(area for area in screen.areas if area.type == "VIEW_3D")
with bpy.context.temp_override(area=view):
    bpy.ops.screen.area_split(direction="HORIZONTAL", factor=0.5)
area = (set(screen.areas) - before).pop()
area.type = "NODE_EDITOR"
area.ui_type = "CompositorNodeTree"
space = area.spaces.active
space.show_region_ui = space.show_region_toolbar = space.show_region_asset_shelf = False
"""
ALL_NODES = """
area = next(
    area
    for area in bpy.context.window_manager.windows[0].screen.areas
    if area.type == "NODE_EDITOR"
)
region = next(region for region in area.regions if region.type == "WINDOW")
with bpy.context.temp_override(area=area, region=region):
    bpy.ops.node.view_all()
"""


@pytest.mark.timeout(900)
def test_a_scene_is_painted_and_parts_of_it_made_again_and_graded(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    script = BEGINNING.format(names=[*PROMPTS], steps=12 if PICTURES else 4)
    host.run_python(script, extension_zip=extension_zip, blend=blend).check()

    def picture(number: int) -> np.ndarray:
        return np.asarray(Image.open(tmp_path / f"mixdiff/street-{number:04d}.png")).astype(int)

    with window(host, extension_zip, blend, display) as person:
        told = person.wait_until("the view", lambda told: told["frame"], 120)
        canvas = Canvas(told)

        # Three objects are selected and become regions, each with its prompt.
        person.script(SELECTING.format(names=[*PROMPTS]))
        person.wait_until("a selection", lambda told: told["selected"] == len(PROMPTS), 20)
        person.search("add as mixdiff region")
        person.wait_until("regions", lambda told: len(told["regions"]) == 6, 20)
        person.script(WORDING.format(prompts=PROMPTS))
        person.let_it_see()
        person.shot("again-regions")
        person.search("generate mixdiff picture")
        person.wait_until("a job", lambda told: told["busy"], 60)
        person.wait_until("the picture", lambda told: not told["busy"], 300)
        person.shot("again-first")

        # An object is selected, and its region made again.
        name = "House left"
        person.script(SELECTING.format(names=[name]))
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

        # One region is graded: its share is written meanwhile, then the nodes are there.
        person.search("grade region of mixdiff picture")
        is_used = "mixdiff.use_in_compositor"
        person.wait_until("the grade", lambda told: is_used in told["uses"], 60)
        person.let_it_see()
        person.shot("again-graded")
        person.script(NODES.format(file=str(tmp_path / "nodes.json")))
        time.sleep(4)
        person.script(ALL_NODES)
        time.sleep(4)
        person.shot("again-nodes")
        assert json.loads((tmp_path / "nodes.json").read_text()) == [f"MixDiff Grade {name}"]
