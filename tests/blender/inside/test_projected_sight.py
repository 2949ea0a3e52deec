"""What a picture's camera did not see is not painted with it, whoever looks from elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import farthest_around, history, png_of, view_of
from scenes import empty_scene, render, select, update

HOSTS = "oldest and newest"

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
Look = Callable[[str], Any]


def add_eye(name: str, at: Any, kind: str) -> Any:
    """Return a camera that looks at the middle of the wall."""
    data = bpy.data.cameras.new(name)
    data.type, data.ortho_scale, data.lens = kind, 9.0, 28
    eye = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(eye)
    eye.location = at
    middle = bpy.data.objects["wall"].location
    eye.rotation_euler = (middle - eye.location).to_track_quat("-Z", "Y").to_euler()
    return eye


@pytest.fixture(params=["PERSP", "ORTHO"])
def street(request: pytest.FixtureRequest) -> Any:
    """An upright wall that fills the frame, a box two units before its middle, and two cameras."""
    scene = empty_scene()
    scene.render.resolution_x, scene.render.resolution_y = 128, 64
    scene.cycles.samples = 4
    bpy.ops.mesh.primitive_plane_add(size=16, rotation=(np.pi / 2, 0, 0))
    bpy.context.object.name = "wall"
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, -2, 0))
    bpy.context.object.name = "box"
    add_eye("front", (0, -8, 0), request.param)
    add_eye("aside", (6, -7, 0), request.param)
    scene.camera = bpy.data.objects["front"]
    update()
    return scene


def paint(levels: Any, folder: Path) -> None:
    """Take in a picture as if it were made from the scene's camera."""
    scene = bpy.context.scene
    path = folder / f"{len(scene.mixdiff.history)}.png"
    path.write_bytes(png_of(np.asarray(levels, np.uint8)))
    update()
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    history.add(scene, path, {"seed": 7}, history.JobContext(snapshot={}, view=view))


def as_seen(scene: Any, path: Path) -> Any:
    """Return a picture where the box is red and all else green, double in size."""
    wall, box = bpy.data.objects["wall"], bpy.data.objects["box"]
    scene.render.resolution_percentage = 200
    scene.render.film_transparent, wall.hide_render = True, True
    is_box = render(scene, Path(bpy.app.tempdir) / "box.png")[..., 3:] > 127
    scene.render.film_transparent, wall.hide_render = False, False
    scene.render.resolution_percentage = 100
    update()
    assert is_box.any()
    assert box.visible_camera
    return np.where(is_box, RED, GREEN)


@pytest.fixture
def look(street: Any, tmp_path: Path) -> Look:
    """Renders from a camera."""

    def render_from(name: str) -> Any:
        street.camera = bpy.data.objects[name]
        update()
        return render(street, tmp_path / f"{name}.png")[..., :3].astype(int)

    return render_from


def share(levels: Any, colour: tuple[int, int, int]) -> float:
    return float((np.abs(levels - colour).max(axis=-1) < 30).mean())


def test_a_hidden_wall_is_not_painted_with_the_box(street: Any, look: Look, tmp_path: Path) -> None:
    picture = as_seen(street, tmp_path)
    paint(picture, tmp_path)
    wall, box = bpy.data.objects["wall"], bpy.data.objects["box"]
    select(wall, box)
    bpy.ops.mixdiff.project()
    # From where it was made all is as painted, and nothing of it is plain.
    front = look("front")
    assert (np.abs(front - picture[::2, ::2]).max(axis=-1) < 30).mean() > 0.96
    assert (front[..., :2].sum(axis=-1) > 220).mean() > 0.999
    # From aside the box alone is red; what stood behind it is plain.
    seen = look("aside")
    box.hide_render = True
    without = look("aside")
    assert share(seen, RED) > 0.005
    assert share(without, RED) < 0.002
    plain = 1 - share(without, GREEN) - share(without, RED)
    assert plain > 0.01
    # And it stays so when the box goes elsewhere.
    box.location.x, box.hide_render = 30, False
    assert np.abs(look("aside") - without).max(axis=-1).mean() < 2


def test_a_second_camera_fills_what_the_first_left(street: Any, look: Look, tmp_path: Path) -> None:
    wall = bpy.data.objects["wall"]
    paint(as_seen(street, tmp_path), tmp_path)
    select(wall)
    bpy.ops.mixdiff.project()
    bpy.data.objects["box"].hide_render = True
    first = look("aside")
    bpy.data.objects["box"].hide_render = False
    street.camera = bpy.data.objects["aside"]
    paint(np.full((64, 128, 3), BLUE), tmp_path)
    bpy.ops.mixdiff.project(over="FILL")
    bpy.data.objects["box"].hide_render = True
    second = look("aside")
    was_green = np.abs(first - GREEN).max(axis=-1) < 30
    assert share(second, BLUE) > 0.01
    assert share(second[was_green], GREEN) > 0.98


def test_a_face_that_is_turned_away_fades_to_the_picture_that_sees_it_better(
    street: Any, look: Look, tmp_path: Path
) -> None:
    bpy.data.objects.remove(bpy.data.objects["wall"])
    box = bpy.data.objects["box"]
    is_perspective = street.camera.data.type == "PERSP"
    box.name, box.scale = "wall", (3, 3, 3)
    box.rotation_euler.z = np.radians(68 if is_perspective else 80)
    paint(np.full((64, 128, 3), GREEN), tmp_path)
    select(box)
    bpy.ops.mixdiff.project()
    alone = look("aside")
    street.camera = bpy.data.objects["aside"]
    paint(np.full((64, 128, 3), BLUE), tmp_path)
    bpy.ops.mixdiff.project(over="FILL")
    both = look("aside")
    # The side that the first camera barely saw had its picture, and now has a mix.
    changed = (np.abs(alone - GREEN).max(axis=-1) < 30) & (both[..., 2] > 60)
    assert changed.mean() > 0.02
    assert share(both, GREEN) > 0.02


@pytest.mark.timeout(600)
@pytest.mark.parametrize("street", ["PERSP"], indirect=True)
def test_eevee_keeps_to_what_each_camera_saw_as_cycles_does(
    street: Any, look: Look, tmp_path: Path
) -> None:
    wall = bpy.data.objects["wall"]
    paint(as_seen(street, tmp_path), tmp_path)
    select(wall)
    bpy.ops.mixdiff.project()
    street.camera = bpy.data.objects["aside"]
    paint(np.full((64, 128, 3), BLUE), tmp_path)
    bpy.ops.mixdiff.project(over="FILL")
    bpy.data.objects["box"].hide_render = True
    nodes = wall.material_slots[0].material.node_tree.nodes
    for node in list(nodes):
        if node.bl_idname == "ShaderNodeTexImage":
            # GL in software blurs textures along the edges of triangles, whatever they are.
            node.interpolation = "Closest"
        elif node.bl_idname == "ShaderNodeBsdfPrincipled":
            nodes.remove(node)  # which it takes long to compile
    cycles = look("aside")
    street.render.engine = f"BLENDER_EEVEE{'' if bpy.app.version >= (5, 0) else '_NEXT'}"
    street.eevee.taa_render_samples = 4
    eevee = look("aside")
    assert share(eevee, RED) < 0.002
    for colour in (GREEN, BLUE):
        assert share(cycles, colour) > 0.1
        # Cycles' four samples are elsewhere in a pixel than EEVEE's.
        assert share(eevee, colour) == pytest.approx(share(cycles, colour), abs=0.03)
    assert (np.abs(eevee - cycles).max(axis=-1) < 30).mean() > 0.95


def test_what_is_farthest_around_is_kept_at_borders() -> None:
    depths = np.array([[1.0, 2.0, 3.0], [4.0, 9.0, 5.0], [1.0, 1.0, np.inf]])
    expected = [[9, 9, 9], [9, np.inf, np.inf], [9, np.inf, np.inf]]
    assert np.array_equal(farthest_around(depths), expected)
