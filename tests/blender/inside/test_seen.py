"""What regions cover is what a render shows, however the viewport differs from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import job_cache, scripting, shown
from scenes import add_camera, add_plane, add_region, empty_scene, place, render, select, update

HOSTS = "wheels"

CELL_PX = 8


@pytest.fixture
def scene() -> Any:
    """A scene whose renders show where something is: 32 pixels a unit."""
    scene = empty_scene()
    scene.cycles.samples, scene.cycles.pixel_filter_type = 4, "BOX"
    scene.render.film_transparent = True
    return scene


@pytest.fixture
def rendered(scene: Any, camera: Any, tmp_path: Path) -> Callable[[], list[int]]:
    """Renders, and returns the rows and columns between which something is."""

    def look() -> list[int]:
        shown = render(scene, tmp_path / "seen.png")[..., 3] > 127
        rows, columns = np.nonzero(shown.any(axis=1))[0], np.nonzero(shown.any(axis=0))[0]
        return [int(n) for n in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)]

    return look


def places() -> dict[str, list[int]]:
    """Return the place of each region by its name."""
    return {region["name"]: place(region) for region in scripting.job()["regions"]}


def only_place() -> list[int]:
    (found,) = places().values()
    return found


def said(name: str) -> list[str]:
    (found,) = [region for region in scripting.regions() if region.name == name]
    return [problem for problem in found.problems if "of the canvas" not in problem]


def to_collection(name: str, *objects: Any) -> Any:
    """Return a new collection of no scene with these objects, which leave theirs."""
    collection = bpy.data.collections.new(name)
    for obj in objects:
        for owner in obj.users_collection:
            owner.objects.unlink(obj)
        collection.objects.link(obj)
    return collection


def instance_of(collection: Any, scene: Any) -> Any:
    """Return a region that shows a collection."""
    instance = bpy.data.objects.new("instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    scene.collection.objects.link(instance)
    instance.mixdiff.enabled, instance.mixdiff.prompt = True, "instance"
    return instance


# --- What renders are set otherwise for ---------------------------------------------------------


def row_of(count: int, in_renders: bool, at: float = -1.5) -> Any:
    """Return a region that is as many units wide where its modifier is on."""
    row = add_region("row", "bricks", size=(0.5, 1), at=(at, 0, 0))
    array = row.modifiers.new("Array", "ARRAY")
    array.count, array.show_render, array.show_viewport = count, in_renders, not in_renders
    return row


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


# --- Geometry nodes -----------------------------------------------------------------------------


def nodes_of(obj: Any) -> tuple[Any, Any, Any]:
    """Return a new tree of nodes of an object, what goes in, and where it comes out."""
    tree = bpy.data.node_groups.new("nodes", "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    obj.modifiers.new("nodes", "NODES").node_group = tree
    return tree, start.outputs[0], end.inputs[0]


@pytest.mark.parametrize("source", ["itself", "object", "object as instance", "collection"])
@pytest.mark.parametrize("only_in_renders", [False, True])
def test_instances_that_are_all_that_nodes_make_lie_where_renders_show_them(
    only_in_renders: bool, source: str, scene: Any, rendered: Callable[[], list[int]]
) -> None:
    chip = add_plane("chip", size=(0.25, 0.75), at=(50, 0, 0))
    chips = to_collection("chips", chip)
    scene.collection.children.link(chips)
    chip.hide_render, chips.hide_viewport = source != "collection", True
    lawn = add_region("lawn", "grass", size=(1, 1), at=(0.75, 0, 0))
    lawn.rotation_euler.z = 0.5
    tree, start, end = nodes_of(lawn)
    on_points = tree.nodes.new("GeometryNodeInstanceOnPoints")
    tree.links.new(start, on_points.inputs["Points"])
    if source == "itself":
        on_points.inputs["Scale"].default_value = (0.3, 0.3, 1)
        tree.links.new(start, on_points.inputs["Instance"])
    else:
        kind = "Collection" if source == "collection" else "Object"
        info = tree.nodes.new(f"GeometryNode{kind}Info")
        info.inputs[0].default_value = chips if source == "collection" else chip
        if source == "object as instance":
            info.inputs["As Instance"].default_value = True
        outputs = {output.name: output for output in info.outputs}
        geometry = outputs.get("Geometry") or outputs["Instances"]
        tree.links.new(geometry, on_points.inputs["Instance"])
    tree.links.new(on_points.outputs[0], end)
    lawn.modifiers[0].show_viewport = not only_in_renders
    if source == "collection":
        chip.location.x = 0
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    assert said("lawn") == []


@pytest.mark.parametrize("named", ["in the nodes", "in nested nodes", "as input", "as operand"])
def test_what_an_object_is_made_of_counts_as_renders_have_it(
    named: str, rendered: Callable[[], list[int]]
) -> None:
    row = row_of(6, True, at=-1)
    row.mixdiff.enabled, row.hide_render = False, True
    wall = add_region("wall", "bricks", size=(0.5, 0.5), at=(-0.75, 0, 0))
    if named == "as operand":
        wall.scale = (4, 2, 1)
        wall.modifiers.new("near", "SHRINKWRAP").target = row
        for obj in (wall, row):
            obj.location.x -= 0.25
        wall.location.x += 2
    else:
        tree, _, end = nodes_of(wall)
        info = tree.nodes.new("GeometryNodeObjectInfo")
        info.transform_space = "RELATIVE"
        tree.links.new(info.outputs["Geometry"], end)
        if named == "as input":
            tree.interface.new_socket("Row", in_out="INPUT", socket_type="NodeSocketObject")
            inputs = tree.nodes["Group Input"].outputs
            tree.links.new(inputs["Row"], info.inputs[0])
            identifier = inputs["Row"].identifier
            modifier = wall.modifiers[0]
            if hasattr(modifier, "properties"):
                getattr(modifier.properties.inputs, identifier).value = row
            else:
                modifier[identifier] = row
        else:
            info.inputs[0].default_value = row
        if named == "in nested nodes":
            inner = tree
            wall.modifiers.clear()
            tree, _, end = nodes_of(wall)
            group = tree.nodes.new("GeometryNodeGroup")
            group.node_tree = inner
            tree.links.new(group.outputs[0], end)
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    row.modifiers[0].show_viewport = True
    again = only_place()
    row.modifiers[0].show_viewport = row.modifiers[0].show_render = False
    assert again != only_place()


def test_nodes_that_ask_for_the_viewport_are_said(camera: Any) -> None:
    lawn = add_region("lawn", "grass", size=(1, 1))
    tree, start, end = nodes_of(lawn)
    tree.links.new(start, end)
    update()
    assert said("lawn") == []
    inner = bpy.data.node_groups.new("inner", "GeometryNodeTree")
    inner.nodes.new("GeometryNodeIsViewport")
    tree.nodes.new("GeometryNodeGroup").node_tree = inner
    update()
    assert "'nodes' ask" in said("lawn")[0]


def test_what_is_edited_and_differs_lies_where_it_is_edited_to(camera: Any) -> None:
    row = row_of(2, True, at=0)
    select(row)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.translate(value=(1, 0, 0))
    found = only_place()
    bpy.ops.object.mode_set(mode="OBJECT")
    update()
    assert found == only_place() == [16, 48, 88, 120]


# --- The live overlay ---------------------------------------------------------------------------


def test_what_the_overlay_reads_settles_and_follows_what_changes(scene: Any, camera: Any) -> None:
    row = row_of(6, True)
    other = add_region("other", "grass", size=(3.5, 1))
    hidden = add_region("hidden", "sky", size=(1, 1))
    hidden.hide_viewport = True
    rounded = other.modifiers.new("round", "SUBSURF")
    rounded.levels, rounded.render_levels = 0, 0
    layer = bpy.context.view_layer

    def read() -> bool:
        """Return whether there was anything to read, with what Blender does after that."""
        job_cache.cached_job(scene, layer)
        is_due = bpy.app.timers.is_registered(job_cache.TIMERS[0])
        if is_due:
            bpy.app.timers.unregister(job_cache.TIMERS[0])
            job_cache.TIMERS[0]()
            layer.update()
        return is_due

    def seen(name: str) -> list[int]:
        job = job_cache.cached_job(scene, layer).job
        assert job is not None
        region = job.region(bpy.data.objects[name].mixdiff.uid)
        assert region is not None
        return [region.row_init, region.row_end, region.col_init, region.col_end]

    layer.update()
    assert [read() for _ in range(4)] == [True, False, False, False]
    assert seen("row") == [16, 48, 8, 104]
    for change, name, expected in (
        (lambda: setattr(row.location, "x", -1), "row", [16, 48, 24, 120]),
        (lambda: setattr(row.modifiers["Array"], "count", 2), "row", [16, 48, 24, 56]),
        (lambda: setattr(row.modifiers["Array"], "show_render", False), "row", [16, 48, 24, 40]),
        (lambda: setattr(other.location, "y", 0.5), "other", [0, 32, 8, 120]),
        (lambda: setattr(rounded, "render_levels", 3), "other", [0, 32, 16, 112]),
        (lambda: setattr(other.scale, "x", 1.75), "other", [0, 32, 40, 88]),
    ):
        change()
        layer.update()
        assert [read() for _ in range(3)] == [True, False, False]
        assert seen(name) == expected


def test_what_differs_is_evaluated_anew_only_when_it_has_changed(
    scene: Any, camera: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = row_of(6, True)
    other = add_region("other", "grass", size=(1, 1))
    made, real = [], shown.twins

    def counted(*given: Any) -> Any:
        made.append(given[2])
        return real(*given)

    monkeypatch.setattr(shown, "twins", counted)
    for change, expected in (
        (lambda: None, [[row]]),
        (lambda: setattr(other.location, "x", 1), []),
        (lambda: setattr(row.location, "x", -1), [[row]]),
        (row.data.update, [[row]]),
        (lambda: scene.frame_set(3), [[row]]),
        (lambda: setattr(row.modifiers["Array"], "show_viewport", True), []),
    ):
        made.clear()
        change()
        for _ in range(2):
            scripting.job()
        assert made == expected, change
