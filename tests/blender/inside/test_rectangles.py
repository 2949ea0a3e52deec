"""Drawn rectangles: what they are held by, and that they fit exactly wherever they are dragged."""

import random
from typing import Any

import bpy
import numpy as np
import pytest
from addon import (
    HANDLES,
    INSIDE,
    Box,
    Canvas,
    Grip,
    Rectangle,
    dragged,
    drawn_rectangles,
    grip_at,
    scripting,
)
from scenes import place, scene_before_any_camera, select, update

HOSTS = "wheels"

BOX = Box(left=100, bottom=50, right=300, top=150)
CANVAS = Canvas(height_px=256, width_px=512, grid_px=8)
SIDES = ("row_init", "row_end", "col_init", "col_end")
FIRST, SECOND = (8, 56, 16, 104), (3, 40, 61, 120)


def sides(*values: int) -> dict[str, int]:
    return dict(zip(SIDES, values, strict=True))


def places() -> list[list[int]]:
    update()
    return [place(region) for region in scripting.job()["regions"]]


def corners(obj: Any) -> Any:
    """Return a plane's corners in the world, (4, 3), in an order of their own."""
    update()
    seen = np.array([obj.matrix_world @ vertex.co for vertex in obj.data.vertices])
    return seen[np.lexsort(np.round(seen, 4).T)]


def grabbed() -> list[str]:
    found = drawn_rectangles(bpy.context.scene, bpy.context.evaluated_depsgraph_get())
    return [one.object.name for one in found]


# --- What the mouse holds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "held"),
    [
        (200, 100, INSIDE),
        (94, 156, Grip(row=-1, column=-1)),
        (306, 44, Grip(row=1, column=1)),
        (200, 155, Grip(row=-1, column=0)),
        (96, 100, Grip(row=0, column=-1)),
        (108, 100, INSIDE),
        (92, 100, None),
        (200, 158, None),
    ],
)
def test_a_rectangle_is_held_by_sides_corners_and_inside(x: int, y: int, held: Any) -> None:
    assert grip_at(BOX, x, y, 7) == held


def test_a_small_rectangle_keeps_a_middle_to_be_moved_by() -> None:
    assert grip_at(Box(left=0, bottom=0, right=8, top=8), 4, 4, 7) == INSIDE


def test_a_handle_lies_where_it_is_held() -> None:
    assert [grip_at(BOX, *grip.place_on(BOX), 7) for grip in HANDLES] == list(HANDLES)


CORNER = Grip(row=1, column=1)
LEFT = Grip(row=0, column=-1)


@pytest.mark.parametrize(
    ("grip", "by", "snaps", "wanted"),
    [
        (INSIDE, (10.2, -5), False, (18, 66, 11, 99)),
        (INSIDE, (-99, 999), False, (0, 48, 424, 512)),
        (INSIDE, (3, 3), True, (8, 56, 16, 104)),
        (CORNER, (10, 5), False, (8, 66, 16, 109)),
        (CORNER, (10, 5), True, (8, 64, 16, 112)),
        (CORNER, (999, 999), False, (8, 256, 16, 512)),
        (CORNER, (-999, -999), False, (8, 16, 16, 24)),
        (LEFT, (50, -99), False, (8, 56, 0, 104)),
        (LEFT, (50, 999), False, (8, 56, 96, 104)),
    ],
)
def test_a_rectangle_goes_with_the_mouse_and_stays_on_the_canvas(
    grip: Any, by: tuple[float, float], snaps: bool, wanted: tuple[int, ...]
) -> None:
    found = dragged(Rectangle(**sides(*FIRST)), grip, *by, CANVAS, snaps=snaps)
    assert found.bounds == wanted


def test_one_smaller_than_a_cell_does_not_grow_when_it_is_held() -> None:
    small = Rectangle(**sides(8, 11, 16, 18))
    assert dragged(small, CORNER, 0, 0, CANVAS, snaps=False) == small


# --- In the scene -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(8))
def test_a_region_placed_anew_is_as_one_drawn_there_with_any_camera(number: int) -> None:
    draw = random.Random(number)
    camera = scene_before_any_camera(draw).camera
    bpy.ops.mixdiff.draw_region(**sides(*FIRST), prompt="drawn")
    placed = bpy.context.object
    bpy.ops.mixdiff.place_region(**sides(*SECOND))
    bpy.ops.mixdiff.draw_region(**sides(*SECOND))
    assert np.allclose(corners(placed), corners(bpy.context.object), rtol=1e-4, atol=1e-5)
    first, second = places()
    assert first == second
    camera.location.x += 5
    assert places()[0] == first
    bpy.ops.mixdiff.place_region(region=placed.name, **sides(*FIRST))
    assert places()[0] == list(FIRST)
    assert bpy.context.object == placed
    assert placed.mixdiff.prompt == "drawn"


def test_one_that_was_moved_away_scaled_and_turned_is_placed_at_its_distance(camera: Any) -> None:
    camera.data.type = "PERSP"
    update()
    bpy.ops.mixdiff.draw_region(**sides(*FIRST))
    plane = bpy.context.object
    plane.matrix_parent_inverse.identity()
    camera.scale = 2, 2, 2
    plane.location *= 3
    depth = -2 * plane.location.z
    plane.scale = 2, 0.3, 1
    plane.rotation_euler.z = np.pi / 2
    update()
    bpy.ops.mixdiff.place_region(**sides(*FIRST))
    assert places() == [list(FIRST)]
    in_camera = camera.matrix_world.normalized().inverted() @ plane.matrix_world
    assert in_camera.translation.z == pytest.approx(-depth)
    assert plane.rotation_euler.z == pytest.approx(np.pi / 2)


def test_a_shared_mesh_stays_as_it_is(camera: Any) -> None:
    bpy.ops.mixdiff.draw_region(**sides(*FIRST))
    copy = bpy.context.object.copy()
    bpy.context.collection.objects.link(copy)
    update()
    bpy.ops.mixdiff.place_region(region=copy.name, **sides(*SECOND))
    first, second = places()
    assert first == list(FIRST)
    assert second != first


def test_the_nearest_is_grabbed_first_and_of_equally_near_ones_the_smallest(camera: Any) -> None:
    for number, bottom in enumerate((48, 64, 32)):
        bpy.ops.mixdiff.draw_region(row_end=bottom, col_end=64)
        bpy.context.object.name = f"{number}"
    update()
    assert grabbed() == ["2", "0", "1"]
    bpy.data.objects["1"].location.z += 0.5
    update()
    assert grabbed() == ["1", "2", "0"]


def test_only_what_stands_upright_before_the_camera_and_is_shown_is_grabbed(
    scene: Any, camera: Any
) -> None:
    bpy.ops.mixdiff.draw_region(**sides(*FIRST))
    plane = bpy.context.object
    unchanged = plane.matrix_basis.copy()
    assert grabbed() == ["Region"]

    def is_grabbed() -> bool:
        update()
        found = bool(grabbed())
        plane.matrix_basis = unchanged
        return found

    plane.rotation_euler.z = 0.1
    assert not is_grabbed()
    plane.rotation_euler.y = 0.1
    assert not is_grabbed()
    plane.location.z *= -1
    assert not is_grabbed()
    plane.location.x += 100
    assert not is_grabbed()
    for name, value in (("guide", False), ("enabled", False)):
        before = getattr(plane.mixdiff, name)
        setattr(plane.mixdiff, name, value)
        assert not is_grabbed()
        setattr(plane.mixdiff, name, before)
    plane.hide_set(True)
    assert not is_grabbed()
    plane.hide_set(False)
    assert is_grabbed()
    plane.parent = None
    assert not is_grabbed()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"region": "nobody"}, "'nobody' is no drawn region"),
        ({"row_init": 8, "row_end": 8}, "a bottom below the top"),
    ],
)
def test_a_region_that_cannot_be_placed_says_why(
    camera: Any, settings: dict[str, Any], message: str
) -> None:
    bpy.ops.mixdiff.draw_region(**sides(*FIRST))
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.mixdiff.place_region(**settings)
    select()
    bpy.context.view_layer.objects.active = camera
    with pytest.raises(RuntimeError, match="The active object"):
        bpy.ops.mixdiff.place_region(**sides(*SECOND))
