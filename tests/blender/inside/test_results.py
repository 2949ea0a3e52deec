"""Each way to use a known picture, by what a render shows."""

from collections.abc import Callable
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import expectation, history, png_of, put_on, view_of
from mathutils import Euler, Matrix
from scenes import add_plane, select, update
from shots import (
    FILTER,
    HEIGHT,
    PAINTED,
    WIDTH,
    Shoot,
    off,
    photographed_scene,
    shooting,
    taking_in,
)

HOSTS = "wheels"

USES = ("use_as_texture", "project", "use_in_compositor", "use_as_world", "use_as_background")


@pytest.fixture
def scene() -> Any:
    return photographed_scene()


@pytest.fixture
def shoot(scene: Any, tmp_path: Path) -> Shoot:
    return shooting(scene, tmp_path)


@pytest.fixture
def take_in(scene: Any, tmp_path: Path) -> Callable[[], None]:
    return taking_in(scene, tmp_path)


@pytest.fixture
def room(scene: Any) -> list[Any]:
    """A floor that passes behind the camera, a long slanted wall, a cube, a ball and a text."""
    floor = add_plane("floor", size=(200, 200))
    wall = add_plane("wall", size=(120, 60), at=(0, 18, 5))
    wall.rotation_euler = (radians(90), 0, radians(-38))
    bpy.ops.mesh.primitive_cube_add(size=1.5, location=(-1, 0, 0.9), rotation=(0.2, 0.4, 0.6))
    cube = bpy.context.object
    cube.modifiers.new("Array", "ARRAY")
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.8, location=(1.6, -1, 0.8))
    ball = bpy.context.object
    ball.scale = (1, 1.4, -1)
    bpy.ops.object.text_add(location=(-1, -3, 0.2), rotation=(radians(80), 0, 0))
    return [floor, wall, cube, ball, bpy.context.object]


def counts() -> list[int]:
    kinds = (bpy.data.images, bpy.data.materials, bpy.data.node_groups, bpy.data.worlds)
    return [len(kind) for kind in kinds]


# --- Projected ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize("kind", ["perspective", "shifted", "orthographic"])
def test_a_projected_picture_fits_exactly_from_its_camera(
    kind: str, scene: Any, shoot: Shoot, take_in: Callable[[], None]
) -> None:
    camera = scene.camera.data
    if kind == "orthographic":
        camera.type, camera.ortho_scale = "ORTHO", 9
    if kind == "shifted":
        camera.shift_x, camera.shift_y = 0.2, -0.1
        scene.render.pixel_aspect_x = 1.5
    take_in()
    bpy.ops.mixdiff.project(onto="ALL")
    difference = off(shoot())
    assert difference.mean() < FILTER
    assert difference.max() < 20


@pytest.fixture
def projected(room: list[Any], take_in: Callable[[], None]) -> list[Any]:
    """The room with the picture projected onto it; the cube has a material of its own."""
    room[2].data.materials.append(bpy.data.materials.new("own"))
    take_in()
    select(*room)
    bpy.ops.mixdiff.project()
    return room


@pytest.mark.usefixtures("projected")
def test_projecting_again_piles_nothing_up(shoot: Shoot) -> None:
    picture, before = shoot(), counts()
    bpy.ops.mixdiff.project()
    assert counts() == before
    assert np.array_equal(shoot(), picture)


@pytest.mark.parametrize("keep", [True, False])
def test_a_projected_picture_stays_on_its_object_unless_told_otherwise(
    keep: bool, projected: list[Any], scene: Any, shoot: Shoot, tmp_path: Path
) -> None:
    if not keep:
        bpy.ops.mixdiff.project(keep=False)
    newer = tmp_path / "newer.png"
    newer.write_bytes(png_of(255 - PAINTED.astype(np.uint8)))
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    history.add(scene, newer, {"seed": 8}, history.JobContext(snapshot={}, view=view))
    assert (np.median(off(shoot())) <= FILTER) == keep
    # Onto another object the newer picture goes, and the first stays where it is.
    select(projected[1])
    bpy.ops.mixdiff.project()
    materials = {obj.material_slots[0].material for obj in projected}
    assert len(materials) == 2


@pytest.mark.usefixtures("projected")
def test_the_projection_stays_when_the_camera_moves_on(scene: Any, shoot: Shoot) -> None:
    camera = scene.camera
    camera.location, camera.rotation_euler = (7, -4, 3), (radians(72), 0, radians(60))
    from_the_side = shoot()
    assert off(from_the_side).mean() > 20
    bpy.ops.mixdiff.project()
    assert np.array_equal(shoot(), from_the_side)
    bpy.ops.mixdiff.project(view="CAMERA")
    assert np.median(off(shoot())) <= FILTER


def test_the_projection_moves_with_its_objects(
    projected: list[Any], scene: Any, shoot: Shoot
) -> None:
    move = Matrix.Translation((50, -20, 7)) @ Euler((0.3, 0.2, 1)).to_matrix().to_4x4()
    update()
    for obj in [*projected, scene.camera]:
        obj.matrix_world = move @ obj.matrix_world
    update()
    assert off(shoot()).mean() < FILTER


def test_the_projection_is_taken_off_again(projected: list[Any]) -> None:
    cube, own = projected[2], bpy.data.materials["own"]
    assert cube.data.materials[0] == own
    assert cube.material_slots[0].material != own
    select(cube)
    bpy.ops.mixdiff.take_projection_off()
    assert cube.material_slots[0].material == own
    assert [key for key in dict(cube) if "projection" in key] == []


# --- The world ----------------------------------------------------------------------------------


@pytest.fixture
def own_world(scene: Any, take_in: Callable[[], None]) -> Any:
    """A green world, lighting a ball."""
    take_in()
    world = bpy.data.worlds.new("own world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0, 0.5, 0, 1)
    scene.world = world
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, location=(0, 0, 0.3))
    return world


@pytest.mark.usefixtures("own_world")
def test_as_a_backdrop_it_fills_the_frame_and_leaves_the_light(scene: Any, shoot: Shoot) -> None:
    ball = shoot()[48, 96]
    assert ball[0] == ball[2] == 0  # lit by a green world alone
    scene.render.film_transparent = True
    bpy.ops.mixdiff.use_as_world(surrounding="BACKDROP")
    backdrop = shoot()
    assert np.median(off(backdrop)) <= FILTER
    assert np.abs(backdrop[40:56, 90:102] - ball).mean() < 8


def test_as_surroundings_it_is_a_panorama(own_world: Any, shoot: Shoot) -> None:
    bpy.context.object.hide_render = True
    bpy.ops.mixdiff.use_as_world(surrounding="AROUND")
    around = shoot()
    assert off(around).mean() > 20
    assert around.std() > 10


def test_the_scenes_own_world_stays_and_no_other_piles_up(own_world: Any) -> None:
    bpy.ops.mixdiff.use_as_world(surrounding="BACKDROP")
    before = counts()
    for surrounding in ("AROUND", "BACKDROP", "BACKDROP"):
        bpy.ops.mixdiff.use_as_world(surrounding=surrounding)
    assert counts() == before
    assert sorted(world.name for world in bpy.data.worlds) == ["MixDiff Backdrop", "own world"]
    assert own_world.use_fake_user
    assert len(own_world.node_tree.nodes) == 2


def test_a_camera_gets_one_background_that_fits(scene: Any, take_in: Callable[[], None]) -> None:
    take_in()
    data = scene.camera.data
    data.background_images.new()
    for depth in ("BACK", "FRONT", "BACK"):
        bpy.ops.mixdiff.use_as_background(depth=depth)
    theirs, ours = data.background_images
    assert theirs.image is None
    assert (ours.image.name, ours.frame_method) == ("MixDiff", "STRETCH")
    assert (ours.display_depth, round(ours.alpha, 3)) == ("BACK", 1.0)
    assert data.show_background_images


def test_a_texture_says_by_which_coordinates_it_lies_on_an_object() -> None:
    image = bpy.data.images.new("picture", 4, 4)
    plane = add_plane("plane")
    assert put_on(image, plane) == "UV"
    plane.data.uv_layers.remove(plane.data.uv_layers[0])
    assert put_on(image, plane) == "XY"


# --- A picture of the render region alone -------------------------------------------------------


@pytest.fixture
def cropped(scene: Any, take_in: Callable[[], None]) -> None:
    size = scene.render
    size.resolution_x, size.resolution_y = 2 * WIDTH, 2 * HEIGHT
    size.use_border = size.use_crop_to_border = True
    size.border_min_x, size.border_max_x = 0.25, 0.75
    size.border_min_y, size.border_max_y = 0.125, 0.625
    take_in()


@pytest.mark.usefixtures("cropped")
def test_as_a_backdrop_a_picture_of_the_render_region_fills_it(shoot: Shoot) -> None:
    bpy.ops.mixdiff.use_as_world(surrounding="BACKDROP")
    assert off(shoot()).mean() < FILTER


@pytest.mark.usefixtures("cropped", "room")
def test_projected_a_picture_of_the_render_region_fills_it(shoot: Shoot) -> None:
    update()
    bpy.ops.mixdiff.project(onto="ALL", view="CAMERA")
    assert off(shoot()).mean() < FILTER


@pytest.mark.usefixtures("cropped")
def test_in_the_compositor_a_picture_of_the_render_region_fills_it(shoot: Shoot) -> None:
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert off(shoot()).mean() < FILTER


# --- Undo, and colour ---------------------------------------------------------------------------


def state() -> dict[str, Any]:
    """Return what the uses change."""
    scene, screen = bpy.context.scene, bpy.data.objects["screen"]
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    return {
        "data": [*counts()[:2], len(bpy.data.worlds)],
        "materials": [slot.material.name for slot in screen.material_slots],
        "links": [slot.link for slot in screen.material_slots],
        "properties": sorted(dict(screen)),
        "world": scene.world.name,
        "film": scene.render.film_transparent,
        "backgrounds": len(scene.camera.data.background_images),
        "nodes": sorted(node.name for node in tree.nodes) if tree else [],
    }


@pytest.mark.parametrize("use", USES)
def test_each_use_can_be_undone(use: str, scene: Any, take_in: Callable[[], None]) -> None:
    take_in()
    scene.world = bpy.data.worlds.new("own world")
    screen = add_plane("screen")
    screen.data.materials.append(bpy.data.materials.new("own"))
    select(screen)
    bpy.ops.ed.undo_push(message="start")
    before = state()
    getattr(bpy.ops.mixdiff, use)()
    during = state()
    bpy.ops.ed.undo_push(message=use)
    bpy.ops.ed.undo()
    assert during != before
    assert state() == before


def test_colour_management_is_told_and_never_changed(
    scene: Any, take_in: Callable[[], None]
) -> None:
    take_in()
    select(add_plane("screen"))
    settings = scene.view_settings
    assert expectation(scene).startswith("Renders in the colours")
    settings.view_transform = "AgX"
    managed = [settings.view_transform, settings.look, settings.exposure]
    for use in USES:
        getattr(bpy.ops.mixdiff, use)()
    assert [settings.view_transform, settings.look, settings.exposure] == managed
    assert expectation(scene).startswith("AgX changes its colours")
    settings.view_transform, settings.exposure = "Standard", 1
    assert expectation(scene).startswith("Exposure changes")
