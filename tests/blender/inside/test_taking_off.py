"""What a use of the picture took the place of comes back when it is taken off."""

from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import png_of
from scenes import add_camera, add_plane, empty_scene, render

HOSTS = "oldest and newest"

USES: list[tuple[str, dict[str, str]]] = [
    ("use_as_texture", {}),
    ("project", {}),
    ("use_in_compositor", {"placing": "BEHIND"}),
    ("use_in_compositor", {"placing": "ALONE"}),
    ("use_as_world", {"surrounding": "BACKDROP"}),
    ("use_as_world", {"surrounding": "AROUND"}),
]


@pytest.fixture
def wall(tmp_path: Path) -> Any:
    """A red wall before a camera, selected; the scene has a picture and a blue world."""
    scene = empty_scene(64, 32)
    scene.world = bpy.data.worlds.new("Own")
    scene.world.color = (0.0, 0.0, 0.6)
    camera = add_camera(scene, type="PERSP")
    camera.location, camera.rotation_euler = (0, -6, 0), (radians(90), 0, 0)
    wall = add_plane("wall", size=(2, 2))
    wall.rotation_euler.x = radians(90)
    red = bpy.data.materials.new("Red")
    red.use_nodes = True
    red.node_tree.nodes.clear()
    shine = red.node_tree.nodes.new("ShaderNodeEmission")
    shine.inputs[0].default_value = (0.8, 0.0, 0.0, 1.0)
    end = red.node_tree.nodes.new("ShaderNodeOutputMaterial")
    red.node_tree.links.new(shine.outputs[0], end.inputs[0])
    wall.data.materials.append(red)
    path = tmp_path / "green.png"
    path.write_bytes(png_of(np.full((32, 64, 3), (0, 200, 0), dtype=np.uint8)))
    image = bpy.data.images.load(str(path))
    scene.mixdiff.result = image
    bpy.context.view_layer.objects.active = wall
    wall.select_set(True)
    return wall


@pytest.mark.parametrize(("use", "settings"), USES, ids=[f"{u} {s}" for u, s in USES])
def test_it_renders_as_before(
    use: str, settings: dict[str, str], wall: Any, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    before = render(scene, tmp_path / "before.png")
    getattr(bpy.ops.mixdiff, use)(**settings)
    with_picture = render(scene, tmp_path / "with.png")
    assert (with_picture != before).any()
    bpy.ops.mixdiff.take_off(use=f"mixdiff.{use}")
    assert (render(scene, tmp_path / "after.png") == before).all()
    with pytest.raises(RuntimeError, match="not used so"):
        bpy.ops.mixdiff.take_off(use=f"mixdiff.{use}")


def test_the_camera_shows_it_no_more(wall: Any) -> None:
    camera = bpy.context.scene.camera.data
    other = camera.background_images.new()
    bpy.ops.mixdiff.use_as_background()
    assert len(camera.background_images) == 2
    bpy.ops.mixdiff.take_off(use="mixdiff.use_as_background")
    assert list(camera.background_images) == [other]


def test_a_texture_on_an_object_without_materials_leaves_none(wall: Any) -> None:
    wall.data.materials.clear()
    bpy.ops.mixdiff.use_as_texture()
    bpy.ops.mixdiff.take_off(use="mixdiff.use_as_texture")
    assert len(wall.material_slots) == 0


def test_a_second_picture_does_not_take_the_place_of_what_was_there(
    wall: Any, tmp_path: Path
) -> None:
    bpy.ops.mixdiff.use_as_texture()
    path = tmp_path / "other.png"
    path.write_bytes(png_of(np.zeros((32, 64, 3), dtype=np.uint8)))
    bpy.context.scene.mixdiff.result = bpy.data.images.load(str(path))
    bpy.ops.mixdiff.use_as_texture()
    bpy.ops.mixdiff.take_off(use="mixdiff.use_as_texture")
    assert wall.active_material.name == "Red"
