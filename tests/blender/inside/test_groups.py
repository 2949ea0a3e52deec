"""Regions of several objects: of a collection, of a material, of what is selected."""

from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import entries, history, job_cache, read_job, scripting, source_of
from scenes import add_camera, add_plane, empty_scene, select, update
from seen import covered, instance_of, read, said, to_collection

HOSTS = "all"


def in_scene(name: str, *objects: Any) -> Any:
    """Return a new collection of the scene with these objects, which leave theirs."""
    collection = to_collection(name, *objects)
    bpy.context.scene.collection.children.link(collection)
    return collection


def region_of(thing: Any, **settings: Any) -> Any:
    """Make a collection or a material a region with a hard edge."""
    scripting.mark([thing], **{"prompt": thing.name, "feather_px": 0, **settings})
    return next(e for e in entries(bpy.context.scene) if thing in (e.collection, e.material))


def painted(obj: Any, *materials: Any) -> Any:
    for material in materials:
        obj.data.materials.append(material)
    return obj


def squares(*ats: float, size: float = 0.5) -> list[Any]:
    return [add_plane(f"square {at}", size=(size, size), at=(at, 0, 0)) for at in ats]


SQUARE = 16 * 16 * 4  # samples of a square of half a unit


# --- What it covers -----------------------------------------------------------------------------


def test_a_collection_covers_what_is_seen_of_its_objects(scene: Any, camera: Any) -> None:
    left, right = squares(-1, 1)
    inner = in_scene("inner", right)
    outer = in_scene("outer", left)
    scene.collection.children.unlink(inner)
    outer.children.link(inner)
    region_of(outer)
    (region,) = read().job.regions
    assert (region.name, region.prompt, region.mask_type) == ("outer", "outer", "constant")
    assert covered("outer").sum() == 2 * SQUARE
    add_plane("before", size=(0.25, 0.5), at=(-1, 0, 1))
    assert covered("outer").sum() == 1.5 * SQUARE


def test_a_regions_window_holds_all_its_objects_and_some_context(scene: Any, camera: Any) -> None:
    scene.render.resolution_x, scene.render.resolution_y = 512, 256
    region_of(in_scene("squares", *squares(-0.5, 0.5)))
    assert read().job.regions[0].bounds == (64, 192, 128, 384)  # 4 cells more on each side
    region_of(bpy.data.collections["squares"], shape="rectangle")
    assert read().job.regions[0].bounds == (96, 160, 160, 352)


def test_a_region_keeps_up_with_its_collection(scene: Any, camera: Any) -> None:
    left, right = squares(-1, 1)
    collection = in_scene("squares", left)
    region_of(collection)
    assert covered("squares").sum() == SQUARE
    collection.objects.link(right)
    assert covered("squares").sum() == 2 * SQUARE
    collection.objects.unlink(left)
    assert covered("squares").sum() == SQUARE
    assert covered("squares")[:, :128].sum() == 0


def test_instances_belong_to_the_collection_of_what_they_show(scene: Any, camera: Any) -> None:
    trees = to_collection("trees", *squares(0))
    for at in (-1, 1):
        instance = instance_of(trees, scene)
        instance.mixdiff.enabled, instance.location.x = False, at
    region_of(trees)
    assert covered("trees").sum() == 2 * SQUARE
    forest = in_scene("forest", instance)
    region_of(forest)
    assert covered("trees").sum() == 2 * SQUARE
    scripting.unmark([trees])
    assert covered("forest").sum() == SQUARE


def test_what_is_shown_in_a_shown_collection_belongs_to_it(scene: Any, camera: Any) -> None:
    leaves = to_collection("leaves", *squares(0))
    inner = instance_of(leaves, scene)
    trees = to_collection("trees", inner)
    outer = instance_of(trees, scene)
    inner.mixdiff.enabled = outer.mixdiff.enabled = False
    region_of(trees)
    assert covered("trees").sum() == SQUARE
    region_of(leaves)
    assert covered("leaves").sum() == SQUARE


def test_a_material_covers_its_faces_on_all_objects(scene: Any, camera: Any) -> None:
    wood, stone = bpy.data.materials.new("wood"), bpy.data.materials.new("stone")
    halves = add_plane("halves", size=(1, 0.5), at=(-1, 0, 0))
    halves.data.clear_geometry()
    corners = [(x, y, 0) for y in (-0.5, 0.5) for x in (-0.5, 0, 0.5)]
    halves.data.from_pydata(corners, [], [(0, 1, 4, 3), (1, 2, 5, 4)])
    painted(halves, wood, stone)
    halves.data.polygons[1].material_index = 1
    painted(*squares(1), wood)
    region_of(wood)
    region_of(stone)
    assert covered("wood").sum() == 2 * SQUARE
    assert covered("stone").sum() == SQUARE
    halves.data.polygons[1].material_index = 0
    assert covered("wood").sum() == 3 * SQUARE
    assert "is on nothing that a render shows" in said("stone")[0]


def test_a_material_is_that_of_the_object_where_it_has_its_own(scene: Any, camera: Any) -> None:
    wood, stone = bpy.data.materials.new("wood"), bpy.data.materials.new("stone")
    left, right = squares(-1, 1)
    right.data = left.data
    painted(left, wood)
    right.scale = left.scale
    region_of(stone)
    assert said("stone")
    right.material_slots[0].link = "OBJECT"
    right.material_slots[0].material = stone
    assert covered("stone").sum() == SQUARE
    right.material_slots[0].link = "DATA"
    assert said("stone")


def test_text_curves_and_balls_have_materials_too(scene: Any, camera: Any) -> None:
    wood = bpy.data.materials.new("wood")
    bpy.ops.object.text_add(location=(-1.8, 0, 0))
    painted(bpy.context.object, wood)
    bpy.ops.curve.primitive_bezier_circle_add(radius=0.3)
    bpy.context.object.data.bevel_depth = 0.1
    painted(bpy.context.object, bpy.data.materials.new("other"), wood)
    bpy.context.object.data.splines[0].material_index = 1
    bpy.ops.object.metaball_add(radius=0.5, location=(1, 0, 0))
    painted(bpy.context.object, wood)
    region_of(wood)
    shown = covered("wood")
    assert all(shown[:, part].any() for part in (slice(0, 96), slice(100, 160), slice(170, 256)))


def test_what_nodes_give_a_material_counts(scene: Any, camera: Any) -> None:
    wood = bpy.data.materials.new("wood")
    (square,) = squares(0)
    tree = bpy.data.node_groups.new("nodes", "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    given = tree.nodes.new("GeometryNodeSetMaterial")
    given.inputs["Material"].default_value = wood
    tree.links.new(start.outputs[0], given.inputs["Geometry"])
    tree.links.new(given.outputs[0], end.inputs[0])
    modifier = square.modifiers.new("nodes", "NODES")
    modifier.node_group = tree
    region_of(wood)
    assert covered("wood").sum() == SQUARE
    modifier.show_render = False
    assert said("wood")
    modifier.show_viewport, modifier.show_render = False, True  # read of a twin
    assert covered("wood").sum() == SQUARE


def test_the_narrowest_region_has_what_several_are_made_of(scene: Any, camera: Any) -> None:
    wood = bpy.data.materials.new("wood")
    objects = squares(-1.5, -0.5, 0.5, 1.5)
    inner = in_scene("inner", *objects[2:])
    outer = in_scene("outer", objects[0], objects[1])
    scene.collection.children.unlink(inner)
    outer.children.link(inner)
    for one in objects[1:]:
        painted(one, wood)
    region_of(outer)
    region_of(inner)
    assert covered("outer").sum() == covered("inner").sum() == 2 * SQUARE
    region_of(wood)
    assert covered("outer").sum() == SQUARE
    assert covered("wood").sum() == 3 * SQUARE
    assert said("inner") == [
        "has nothing that is no other region's and is left out; switch off the regions of its "
        "objects, choose the shape Rectangle, or switch it off"
    ]
    scripting.mark([objects[3]], prompt="own", shape="silhouette", feather_px=0)
    assert covered(objects[3].name).sum() == SQUARE
    assert covered("wood").sum() == 2 * SQUARE


# --- Making one, the list -----------------------------------------------------------------------


def test_selected_objects_become_one_region_and_stay_where_they_are(
    scene: Any, camera: Any
) -> None:
    left, right = squares(-1, 1)
    left.name, right.name = "Chair.001", "Old_Table"
    select(left)
    right.select_set(True)
    bpy.ops.mixdiff.mark_together()
    (entry,) = entries(scene)
    assert (entry.collection.name, entry.settings.prompt) == ("chair, old table",) * 2
    assert (entry.settings.shape, entry.settings.feather_px) == ("silhouette", 8)
    assert list(entry.collection.objects) == [left, right]
    assert {*left.users_collection} == {scene.collection, entry.collection}
    entry.settings.feather_px = 0
    assert covered("chair, old table").sum() == 2 * SQUARE
    scripting.mark([right, left], together=True, prompt="seats")
    assert [e.settings.prompt for e in entries(scene)] == ["seats"]


def test_what_is_deleted_leaves_the_collection_of_its_region(scene: Any, camera: Any) -> None:
    left, right = squares(-1, 1)
    kept = in_scene("kept", *squares(0))
    source = to_collection("source", *kept.objects)  # in no scene, and not the add-on's
    region_of(source)
    scripting.mark([left, right], together=True, prompt="both")
    both = entries(scene)[1].collection
    select(left)
    bpy.ops.object.delete()
    update()
    assert list(both.objects) == [right]
    assert len(source.objects) == 1


def test_what_a_region_does_not_cover_is_said(scene: Any, camera: Any) -> None:
    collection = in_scene("squares", *squares(0))
    points = bpy.data.pointclouds.new("points")
    collection.objects.link(bpy.data.objects.new("points", points))
    region_of(collection)
    assert said("squares") == [
        "has 'points', which is not covered, as points and Grease Pencil have no silhouette; paint "
        "a mask (Mask Picture), or let it be"
    ]


def test_the_active_collection_and_material_become_regions(scene: Any, camera: Any) -> None:
    (square,) = squares(0)
    clay = bpy.data.materials.new("Red_Clay")
    painted(square, clay)
    in_scene("Old_Village", square)
    layer = bpy.context.view_layer
    with pytest.raises(RuntimeError, match="is the scene itself"):
        bpy.ops.mixdiff.mark_collection()
    layer.active_layer_collection = layer.layer_collection.children["Old_Village"]
    layer.objects.active = square
    bpy.ops.mixdiff.mark_collection()
    layer.objects.active = None
    with pytest.raises(RuntimeError, match="has no material"):
        bpy.ops.mixdiff.mark_material()
    bpy.ops.mixdiff.mark_material(material=clay.name)
    assert [e.settings.prompt for e in entries(scene)] == ["old village", "red clay"]
    assert scene.mixdiff.active_region == 1
    with pytest.raises(RuntimeError, match="the nearest is 'Old_Village'"):
        bpy.ops.mixdiff.mark_collection(collection="Old_Vilage")
    bpy.ops.mixdiff.mark_collection(collection="Old_Village")
    assert len(entries(scene)) == 2


def test_words_in_prompts_are_those_of_the_collection_or_the_material(
    scene: Any, camera: Any
) -> None:
    left, right = squares(-1, 1)
    village, clay = in_scene("Old_Village", left), bpy.data.materials.new("Red_Clay")
    painted(right, clay)
    region_of(village, prompt="a {collection}")
    region_of(clay, prompt="all of {material}")
    assert [r.prompt for r in read().job.regions] == ["a old village", "all of red clay"]
    region_of(clay, prompt="an {object}")
    assert "{object} leaves nothing" in said("Red_Clay")[0]


def test_a_region_is_chosen_with_its_objects_and_selects_them(scene: Any, camera: Any) -> None:
    wood = bpy.data.materials.new("wood")
    left, middle, right = squares(-1, 0, 1)
    painted(left, bpy.data.materials.new("other"), wood)
    collection = in_scene("squares", left, middle)
    region_of(collection)
    region_of(wood)
    scripting.mark([right], prompt="own")
    objects = bpy.context.view_layer.objects
    for obj, index in ((middle, 0), (right, 2)):
        objects.active = obj
        assert scene.mixdiff.active_region == index
    scene.mixdiff.active_region = 1
    assert (scene.mixdiff.active_region, list(objects.selected)) == (1, [])
    bpy.ops.mixdiff.select_region()
    assert (list(objects.selected), left.active_material) == ([left], wood)
    scene.mixdiff.active_region = 0
    bpy.ops.mixdiff.select_region()
    assert set(objects.selected) == {left, middle}


def test_the_list_survives_the_file_and_drops_what_is_gone(
    scene: Any, camera: Any, tmp_path: Path
) -> None:
    left, right = squares(-1, 1)
    painted(right, bpy.data.materials.new("wood"))
    scripting.mark([left, right], together=True, prompt="both")
    region_of(bpy.data.materials["wood"])
    ids = [region.id for region in read().job.regions]
    path = str(tmp_path / "groups.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    assert [region.id for region in read().job.regions] == ids
    assert len(set(ids)) == 2
    both = entries(scene)[0].collection
    both.name, bpy.data.materials["wood"].name = "renamed", "oak"
    assert [region.name for region in read().job.regions] == ["renamed", "oak"]
    bpy.data.collections.remove(both)
    update()
    assert [source_of(entry).name for entry in entries(scene)] == ["oak"]
    assert len(scene.mixdiff.regions) == 1


def test_a_linked_collection_is_a_region_without_an_override(
    scene: Any, camera: Any, tmp_path: Path
) -> None:
    in_scene("props", *squares(0))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "props.blend"))
    scene = empty_scene()
    add_camera(scene)
    with bpy.data.libraries.load(str(tmp_path / "props.blend"), link=True) as (_, data):
        data.collections = ["props"]
    scene.collection.children.link(data.collections[0])
    region_of(data.collections[0])
    assert covered("props").sum() == SQUARE


def test_undo_takes_a_region_away_and_redo_brings_it_back(camera: Any) -> None:
    select(squares(0)[0])
    for one in squares(-1, 1):
        one.select_set(True)
    bpy.ops.ed.undo_push(message="squares")
    bpy.ops.mixdiff.mark_together("EXEC_DEFAULT", True)
    assert len(entries(bpy.context.scene)) == 1
    id_ = read().job.regions[0].id
    bpy.ops.ed.undo()
    assert entries(bpy.context.scene) == []
    bpy.ops.ed.redo()
    assert read().job.regions[0].id == id_


def test_taking_a_region_off_leaves_what_it_was_made_of(scene: Any, camera: Any) -> None:
    collection = in_scene("squares", *squares(0))
    region_of(collection)
    scene.mixdiff.active_region = 0
    bpy.ops.mixdiff.remove_region()
    assert (entries(scene), len(collection.objects)) == ([], 1)
    region_of(collection)
    scripting.unmark([collection])
    assert (entries(scene), len(collection.objects)) == ([], 1)


def test_what_holds_something_else_than_before_is_read_again(scene: Any, camera: Any) -> None:
    collection = bpy.data.collections.new("group")
    left, right = squares(-1, 1)
    collection.objects.link(left)
    region_of(collection, shape="rectangle")
    layer = bpy.context.view_layer
    job_cache.cached_job(scene, layer)
    job_cache._read()
    before = job_cache.last_cached_job(scene).job.job.regions[0].bounds
    collection.objects.link(right)
    update()
    job_cache.cached_job(scene, layer)
    assert bpy.app.timers.is_registered(job_cache._read)
    job_cache._read()
    now = job_cache.last_cached_job(scene).job.job.regions[0].bounds
    assert (before[3], now[3]) == (40, 104)


# --- Hostile scenes -----------------------------------------------------------------------------


def test_an_empty_collection_says_so_and_is_filled_later(scene: Any, camera: Any) -> None:
    collection = in_scene("nothing")
    region_of(collection)
    assert said("nothing") == [
        "holds no object and is left out; move objects into it (M), or switch its region off"
    ]
    for obj in squares(0):
        collection.objects.link(obj)
    assert covered("nothing").sum() == SQUARE


def test_a_collection_without_a_surface_or_hidden_says_so(scene: Any, camera: Any) -> None:
    mesh = bpy.data.meshes.new("points")
    mesh.from_pydata([(0, 0, 1), (1, 0, 1)], [(0, 1)], [])
    collection = in_scene("bare")
    collection.objects.link(bpy.data.objects.new("bare", mesh))
    collection.objects.link(bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT")))
    region_of(collection)
    assert said("bare")[0].startswith("holds nothing with a surface and is left out")
    collection.objects.link(squares(0)[0])
    assert covered("bare").sum() == SQUARE
    collection.hide_render = True
    for obj in collection.objects:
        scene.collection.objects.unlink(obj) if obj.name in scene.collection.objects else None
    assert said("bare")[0].startswith("holds nothing that is seen: ")
    assert "hidden from the render" in said("bare")[0]


def test_a_collection_behind_everything_is_left_out(scene: Any, camera: Any) -> None:
    region_of(in_scene("behind", *squares(-1, 1)))
    add_plane("wall", size=(5, 5), at=(0, 0, 1))
    assert said("behind")[0].startswith("is hidden behind other things and is left out")


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_inside_of_a_collections_mesh_the_camera_sees_it_everywhere(kind: str) -> None:
    scene = empty_scene()
    camera = add_camera(scene, type=kind)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=5, location=camera.location)
    region_of(in_scene("room", bpy.context.object))
    assert covered("room").min() == 1


def test_five_hundred_objects_are_one_region(scene: Any, camera: Any) -> None:
    (square,) = squares(0, size=0.05)
    collection = in_scene("many", square)
    for number in range(499):
        copy = square.copy()
        copy.location = ((number % 25) * 0.1 - 1.2, (number // 25) * 0.05 - 0.4, 0)
        collection.objects.link(copy)
    region_of(collection)
    assert len(read().job.regions) == 1
    assert covered("many").any()
    assert said("many") == []


def test_what_is_odd_about_some_of_many_is_said_once(scene: Any, camera: Any) -> None:
    objects = squares(-1, -0.5, 0, 0.5, 1)
    for obj in objects[:4]:
        obj.is_holdout = True
    region_of(in_scene("squares", *objects))
    assert [line.partition(";")[0] for line in said("squares")] == [
        "has 'square -0.5', 'square -1', 'square 0' and 1 more, which is a holdout: where it is, "
        "a render shows a hole"
    ]


# --- Results ------------------------------------------------------------------------------------


def test_the_settings_of_a_result_come_back_to_its_groups(street: Any, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    left = bpy.data.objects["left"]
    scripting.unmark([left])
    entry = region_of(in_scene("walls", left), prompt="bricks")
    bpy.ops.mixdiff.generate()
    made = history.path_of(street.mixdiff.history[-1])
    assert made.is_file()
    entry.settings.prompt = "other"
    bpy.ops.mixdiff.use_settings()
    assert entry.settings.prompt == "bricks"
    select(left)
    bpy.ops.mixdiff.again()
    kept = read_job(history.path_of(street.mixdiff.history[-1]))["kept"]
    assert kept["regions"] == ["walls"]
