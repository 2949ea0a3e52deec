"""A person at a real window who makes regions of several objects, and changes what they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import Host
from tests.blender.test_street_window import BLOCK_OUT
from tests.blender.windows import window

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

TREES = """
trees = bpy.data.collections.new("Pine Trees")
bpy.context.scene.collection.children.link(trees)
leaves, bark = bpy.data.materials.new("Leaves"), bpy.data.materials.new("Brown Bark")
leaves.diffuse_color, bark.diffuse_color = (0.1, 0.4, 0.1, 1), (0.3, 0.15, 0.05, 1)
for number, x in enumerate((-1.5, -0.5, 0.6, 1.4)):
    for kind, at, size, material in (("cone", 1.7, 0.4, leaves), ("cylinder", 0.4, 0.1, bark)):
        add = getattr(bpy.ops.mesh, f"primitive_{kind}_add")
        add(location=(x, number % 2 - 4, at), depth=2 if kind == "cone" else 0.8)
        obj = bpy.context.object
        obj.scale[:2], obj.name = (size, size), f"{kind} {number}"
        obj.data.materials.append(material)
        obj.users_collection[0].objects.unlink(obj)
        trees.objects.link(obj)
bpy.ops.object.select_all(action="DESELECT")
"""
ALONE = """
for obj in bpy.context.view_layer.objects:
    obj.select_set(obj.name in {names!r})
layer = bpy.context.view_layer
layer.objects.active = bpy.data.objects[{names!r}[-1]]
layer.active_layer_collection = layer.layer_collection.children["Pine Trees"]
"""


def named(*names: str) -> Callable[[dict[str, Any]], bool]:
    """Return whether a window tells of regions of these names."""
    return lambda told: [region[0] for region in told["regions"]] == list(names)


@pytest.mark.timeout(900)
def test_several_objects_a_collection_and_a_material_are_regions(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "trees.blend"
    saved = f"bpy.ops.wm.save_as_mainfile(filepath={str(blend)!r})\n"
    host.run_python(f"{BLOCK_OUT}{TREES}{saved}", extension_zip=extension_zip).check()
    houses, trees, bark = "house left, house right", "Pine Trees", "Brown Bark"
    with window(host, extension_zip, blend, display) as person:
        person.wait_until("the tab", lambda told: told["tab"] == "MixDiff", 120)
        time.sleep(2)
        person.script(ALONE.format(names=("House left", "House right")))
        person.let_it_see()
        person.search("add as one mixdiff region")
        person.wait_until("the houses", named(houses), 60)
        person.search("add collection as mixdiff region")
        person.wait_until("the trees", named(houses, trees), 60)
        person.script(ALONE.format(names=("cylinder 0",)))
        person.let_it_see()
        person.search("add material as mixdiff region")
        told = person.wait_until("the bark", named(houses, trees, bark), 60)
        told = person.wait_until("the job", lambda told: len(told["read"]) >= 3, 30)
        time.sleep(2)
        person.shot("groups")

        # What joins the collection is in its region at once, as the overlay has it.
        before = told["read"][trees]
        person.script('bpy.data.collections["Pine Trees"].objects.link(bpy.data.objects["Road"])')
        person.wait_until("the road", lambda told: told["read"][trees][3] > before[3], 30)
        person.shot("groups-joined")
        person.script('bpy.data.collections["Pine Trees"].objects.unlink(bpy.data.objects["Road"])')
        person.wait_until("the trees alone", lambda told: told["read"][trees] == before, 30)
        person.script('bpy.data.objects["cone 3"].location.x = 4')
        person.wait_until("a tree elsewhere", lambda told: told["read"][trees] != before, 30)
