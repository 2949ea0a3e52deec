"""What regions cover is what a render shows, however the viewport differs from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import scripting
from scenes import add_camera, add_plane, add_region, empty_scene, select, update
from seen import CELL_PX, instance_of, only_place, places, row_of, said, to_collection

HOSTS = "wheels"

# --- What renders are set otherwise for ---------------------------------------------------------


@pytest.mark.parametrize("in_renders", [True, False])
def test_modifiers_count_as_renders_have_them(
    in_renders: bool, rendered: Callable[[], list[int]]
) -> None:
    row_of(6, in_renders)
    assert only_place() == ([16, 48, 8, 104] if in_renders else [16, 48, 8, 24])
    assert said("row") == []
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX


def test_levels_of_subdivision_count_as_renders_have_them(
    scene: Any, rendered: Callable[[], list[int]]
) -> None:
    bpy.ops.mesh.primitive_cube_add(size=1.5)
    cube = bpy.context.object
    cube.mixdiff.enabled, cube.mixdiff.prompt = True, "ball"
    rounded = cube.modifiers.new("round", "SUBSURF")
    rounded.levels, rounded.render_levels = 0, 3
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    scene.render.use_simplify, scene.render.simplify_subdivision_render = True, 0
    assert only_place() == [8, 56, 40, 88]


def test_a_twin_goes_where_its_parent_and_its_drivers_take_it(
    rendered: Callable[[], list[int]],
) -> None:
    row = row_of(3, True, at=0)
    row.parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(row.parent)
    row.parent.location.x, row.parent.hide_viewport = -0.5, True
    row.driver_add("location", 1).driver.expression = "0.5"
    driven = row.modifiers["Array"].driver_add("show_viewport")
    driven.driver.expression = "False"
    assert only_place() == [0, 32, 40, 88]
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX


def test_what_is_disabled_in_viewports_counts_where_it_is_rendered(
    scene: Any, rendered: Callable[[], list[int]]
) -> None:
    wall = add_region("wall", "bricks", size=(1, 1))
    wall.location.x = 1
    wall.hide_viewport = True
    wall.location.x = -1
    wall.keyframe_insert("location", frame=1)
    wall.location.x = 1
    wall.keyframe_insert("location", frame=11)
    scene.frame_set(11)
    assert only_place() == [16, 48, 80, 112]
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    scene.frame_set(1)
    assert only_place() == [16, 48, 16, 48]


def test_what_a_collection_shows_in_renders_counts_for_its_instances(
    scene: Any, rendered: Callable[[], list[int]]
) -> None:
    seen = add_plane("seen", size=(0.5, 0.5), at=(0, 0.5, 0))
    hidden = add_plane("hidden", size=(0.5, 0.5), at=(-1.5, 0, 0))
    row = row_of(2, True, at=0.75)
    row.mixdiff.enabled = False
    inner = to_collection("inner", row)
    seen.hide_viewport, hidden.hide_render = True, True
    outer = to_collection("outer", seen, hidden)
    outer.children.link(inner)
    instance_of(outer, scene)
    assert only_place() == [8, 48, 56, 112]
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    inner.hide_render = True
    assert only_place() == [8, 24, 56, 72]


def test_looking_leaves_the_file_and_the_undo_steps_as_they_were(scene: Any, camera: Any) -> None:
    row = row_of(6, True)
    instance_of(to_collection("source", add_plane("part")), scene)
    bpy.data.objects["part"].hide_viewport = True
    update()
    users = (row.data.users, bpy.data.collections["source"].users, row.users)
    kept = ("objects", "collections", "scenes", "meshes", "actions", "node_groups")
    before = [[item.name for item in getattr(bpy.data, kind)] for kind in kept]
    for _ in range(3):
        assert places()["row"] == [16, 48, 8, 104]
    assert [[item.name for item in getattr(bpy.data, kind)] for kind in kept] == before
    assert (row.data.users, bpy.data.collections["source"].users, row.users) == users
    assert (row.modifiers["Array"].show_viewport, row.mixdiff.enabled) == (False, True)
    assert len(row.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.vertices) == 4


def test_linked_objects_and_overrides_of_them_count_as_renders_have_them(
    scene: Any, camera: Any, tmp_path: Path
) -> None:
    row_of(6, True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    scene = empty_scene()
    add_camera(scene)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, data):
        data.objects = ["row"]
    row = data.objects[0]
    scene.collection.objects.link(row)
    update()
    assert places() == {"row": [16, 48, 8, 104]}
    override = row.override_create(remap_local_usages=True)
    override.location.x = -1
    update()
    assert places() == {"row": [16, 48, 24, 120]}
    assert [obj.name for obj in bpy.data.objects if obj.library is None] == ["Camera", "row"]
    assert override.override_library.reference == row


@pytest.mark.parametrize("kind", ["CLOTH", "EMITTER", "RIGID"])
def test_what_is_simulated_is_read_as_the_viewport_has_it_and_that_is_said(
    kind: str, camera: Any
) -> None:
    row = row_of(6, True)
    if kind == "CLOTH":
        row.modifiers.new("Cloth", "CLOTH")
    elif kind == "RIGID":
        bpy.ops.rigidbody.world_add()
        select(row)
        bpy.ops.rigidbody.object_add()
    else:
        row.modifiers.new("Dust", "PARTICLE_SYSTEM")
        assert row.particle_systems[0].settings.type == kind
    assert only_place() == [16, 48, 8, 24]
    (problem,) = said("row")
    assert "as the viewport shows it" in problem
    row.hide_viewport = True
    (problem,) = said("row")
    assert "disabled in viewports" in problem


# --- Balls, instancers, sets --------------------------------------------------------------------


def balls() -> tuple[Any, Any, Any]:
    made = []
    for x in (-0.75, 0, 0.75):
        bpy.ops.object.metaball_add(radius=0.75, location=(x, 0, 0))
        made.append(bpy.context.object)
    first, second, third = made
    return first, second, third


def test_any_ball_of_a_family_covers_what_the_family_shows(
    rendered: Callable[[], list[int]],
) -> None:
    for number in range(3):
        made = balls()
        made[number].mixdiff.enabled, made[number].mixdiff.prompt = True, "drop"
        assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
        for ball in made:
            bpy.data.objects.remove(ball)


@pytest.mark.parametrize("hide", ["hide_render", "hide_viewport", "eye"])
@pytest.mark.parametrize("number", [0, 2])
def test_a_hidden_ball_counts_as_renders_have_it(
    number: int, hide: str, rendered: Callable[[], list[int]]
) -> None:
    made = balls()
    made[1].mixdiff.enabled, made[1].mixdiff.prompt = True, "drop"
    update()
    if hide == "eye":
        made[number].hide_set(True)
    else:
        setattr(made[number], hide, True)
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX


@pytest.mark.parametrize("kind", ["VERTS", "FACES"])
@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("region", ["instancer", "chip"])
def test_an_instancer_counts_where_renders_show_it_and_its_child_where_it_is_instanced(
    kind: str, shown: bool, region: str, rendered: Callable[[], list[int]]
) -> None:
    instancer = add_plane("instancer", size=(1, 1), at=(0.5, 0, 0))
    chip = add_plane("chip", size=(0.25, 0.25), at=(-1.5, 0, 0))
    if kind == "FACES":
        chip.location = (0, 0.25, 0)
    else:
        chip.location = (0, 0, 0)
    chip.parent = instancer
    instancer.instance_type, instancer.show_instancer_for_render = kind, shown
    obj = bpy.data.objects[region]
    obj.mixdiff.enabled, obj.mixdiff.prompt = True, "chips"
    if region == "chip":
        instancer.show_instancer_for_render = False
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    split = instancer.modifiers.new("split", "SUBSURF")
    split.subdivision_type, split.levels, split.render_levels = "SIMPLE", 0, 1
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX


def test_what_is_only_in_the_background_set_is_a_region_where_renders_show_it(
    scene: Any, rendered: Callable[[], list[int]]
) -> None:
    wall = add_region("wall", "bricks", size=(1, 1), at=(1, 0, 0))
    behind = bpy.data.scenes.new("set")
    behind.collection.objects.link(wall)
    scene.collection.objects.unlink(wall)
    further = bpy.data.scenes.new("set of the set")
    off = add_region("off", "off", size=(4, 2))
    scene.collection.objects.unlink(off)
    behind.collection.objects.link(off)
    off.hide_render = True
    update()
    assert [region.name for region in scripting.regions()] == []
    behind.background_set, scene.background_set = further, behind
    update()
    assert places() == {"wall": [16, 48, 80, 112]}
    assert [entry.object for entry in scene.mixdiff.regions] == [off, wall]
    assert "hidden from the render" in said("off")[0]
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    wall.location.x, wall.hide_viewport = -1, True
    assert places() == {"wall": [16, 48, 16, 48]}
    scene.background_set = None
    update()
    assert len(scene.mixdiff.regions) == 0


def test_what_the_camera_does_not_see_is_left_out_and_a_hole_is_said(
    scene: Any, camera: Any
) -> None:
    wall = add_region("wall", "bricks", size=(1, 1))
    wall.visible_camera = False
    assert said("wall") == [
        "is not shown to the camera and is left out; switch on Camera in its Ray Visibility, "
        "make it a guide, or switch its region off"
    ]
    wall.visible_camera, wall.is_holdout = True, True
    assert only_place() == [16, 48, 48, 80]
    assert "shows a hole" in said("wall")[0]
    wall.is_holdout = False
    collection = to_collection("aside", wall)
    scene.collection.children.link(collection)
    aside = bpy.context.view_layer.layer_collection.children["aside"]
    assert said("wall") == []
    aside.holdout = True
    assert "shows a hole" in said("wall")[0]
    aside.holdout, aside.indirect_only = False, True
    assert "only indirectly" in said("wall")[0]
    wall.mixdiff.guide = True
    assert only_place() == [16, 48, 48, 80]
    wall.mixdiff.guide, aside.indirect_only, wall.is_shadow_catcher = False, False, True
    assert "its shadows alone" in said("wall")[0]
