"""Scenes that are not as one wishes work or say what to do; the canvas's prompt, gaps, tiles."""

import time
from math import radians
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import job_from_scene, scripting, shapes_of
from scenes import add_camera, add_plane, add_region, empty_scene, place, select, update

HOSTS = "oldest and newest"


def regions(scene: Any = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scripting.job(scene)["regions"]
    return found


def places(scene: Any = None) -> dict[str, list[int]]:
    """Return the place of each region by its prompt."""
    return {region["prompt"]: place(region) for region in regions(scene)}


def warnings() -> list[str]:
    found = [problem.partition(";")[0] for problem in scripting.problems()]
    return [problem for problem in found if "of the canvas" not in problem]


# --- The prompt of the whole picture, and what fills gaps ---------------------------------------


def test_a_prompt_alone_paints_the_whole_canvas_even_without_a_camera(
    scene: Any, camera: Any
) -> None:
    scene.mixdiff.prompt = "a sketch of {prompt} at dusk"
    assert places() == {"a sketch at dusk": [0, 64, 0, 128]}
    scene.camera = None
    assert len(regions()) == 1


def test_gaps_between_regions_are_filled_from_behind(scene: Any, camera: Any) -> None:
    scene.mixdiff.prompt, scene.mixdiff.background = "a sketch of {prompt} at dusk", True
    add_region("left", "a wall", size=(2, 2), at=(-1, 0, 0))
    update()
    behind, left = regions()
    assert (behind["prompt"], behind["mask_weight"]) == ("a sketch at dusk", 1e-4)
    assert (left["prompt"], left["mask_weight"]) == ("a sketch of a wall at dusk", 1.0)
    assert (place(behind), place(left)) == ([0, 64, 0, 128], [0, 64, 0, 64])
    made = job_from_scene(scene, bpy.context.evaluated_depsgraph_get())
    assert [
        place.label.partition(" ")[0] for place in shapes_of(made.job, {}, made.own_weights)
    ] == [
        "Background",
        "left",
    ]
    assert warnings() == []
    scene.mixdiff.background = False
    assert list(places()) == ["a sketch of a wall at dusk"]
    scene.mixdiff.background = True
    add_region("right", "", size=(2, 2), at=(1, 0, 0))
    scene.mixdiff.prompt = "watercolour"
    assert list(places()) == ["a wall, watercolour", "watercolour"]


# --- Models that are none -----------------------------------------------------------------------


def test_a_file_that_is_no_model_is_named_before_the_engine_is_asked(tmp_path: Path) -> None:
    scene = empty_scene(64, 64)
    scene.mixdiff.prompt = "fog"
    path = tmp_path / "house.SAFETENSORS"
    header = b'{"lora_unet_mid.lora_down.weight":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(2))
    scene.mixdiff.model = str(path)
    problem = scripting.problems()[0]
    assert "house.SAFETENSORS is a LoRA" in problem
    with pytest.raises(RuntimeError, match="is a LoRA"):
        bpy.ops.mixdiff.generate()
    path.unlink()
    assert scripting.problems() == (), "where the job goes there may be one"


# --- Regions larger than the model paints well --------------------------------------------------


def test_a_large_canvas_stays_one_region_which_the_engine_cuts_at_the_size_that_is_chosen() -> None:
    scene = empty_scene(1920, 1080)
    add_camera(scene)
    scene.mixdiff.prompt = "fog"
    largest = []
    for size in (0, 960, 8):
        scene.mixdiff.tile_size = size
        (whole,) = regions()
        assert place(whole) == [0, 1080, 0, 1920]
        largest.append(scripting.job()["max_region_px"])
    assert largest == [256, 960, 64]  # what the model was trained on; the choice; the least
    scene.mixdiff.tile_size = 0
    scene.mixdiff.model = "bundled"
    assert scripting.job()["max_region_px"] == 320


def test_a_large_region_keeps_all_that_it_asks_for() -> None:
    scene = empty_scene(1024, 512)
    add_camera(scene)
    wide = add_region("wide", "a wall", size=(4, 2)).mixdiff
    wide.noise_eps, wide.region_seed, wide.randomize_guidance = 0.5, 7, True
    job = scripting.job()
    (region,) = job["regions"]
    assert (region["mask_type"], region["guidance_scale"]) == ("gaussian", None)
    assert (region["noise_eps"], region["region_seed"]) == (0.5, 7)
    assert job["reroll_regions"] == []
    (region,) = scripting.regions()
    assert (region.name, region.rectangles) == ("wide", ((0, 512, 0, 1024),))
    assert scripting.problems() == ()
    scene.mixdiff.tile_size = 512
    assert scripting.generate(size=(512, 256)).warnings == ()


# --- Surfaces -----------------------------------------------------------------------------------


def test_a_camera_inside_a_plane_or_a_room_sees_what_is_before_it(camera: Any) -> None:
    camera.data.type, camera.data.lens = "PERSP", 50
    camera.location, camera.rotation_euler = (0, 0, 0), (radians(90), 0, 0)
    add_region("around", "inside", size=(10, 10))
    bpy.ops.mesh.primitive_cube_add(size=6)
    bpy.context.object.mixdiff.enabled, bpy.context.object.mixdiff.prompt = True, "room"
    found = places()
    assert found["room"] == [0, 64, 0, 128]
    assert found.keys() <= {"room", "inside"}


def test_sizes_of_nothing_and_negative_scales_are_no_harm(scene: Any, camera: Any) -> None:
    add_region("off", "off", at=(90, 0, 0))
    add_region("point", "point", size=(0, 0), at=(-1, 0.5, 0))
    add_region("line", "line", size=(2, 0), at=(0, -0.5, 0))
    add_region("mirrored", "mirrored", size=(-2, 1), at=(1, 0.5, 0))
    squeezed = add_region("squeezed", "squeezed", size=(1, 1), at=(-1, 0, 0))
    squeezed.scale, squeezed.rotation_euler = (-1, 2, -3), (0, radians(180), 0)
    nothing = bpy.data.objects.new("nothing", bpy.data.meshes.new("nothing"))
    lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT"))
    for obj in (nothing, lamp):
        scene.collection.objects.link(obj)
        obj.mixdiff.enabled = True
    assert places() == {
        "point": [16, 24, 32, 40],
        "line": [48, 56, 32, 96],
        "mirrored": [0, 32, 64, 128],
        "squeezed": [0, 64, 16, 48],
    }
    assert sorted(warnings()) == [
        "lamp has no surface and is left out",
        "nothing has no surface and is left out",
        "off is not in the camera's view and is left out",
    ]


def test_what_is_being_edited_lies_where_it_is_seen(camera: Any) -> None:
    add_region("edited", "edited", size=(1, 1))
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.translate(value=(1, 0, 0))
    assert places()["edited"] == [16, 48, 80, 112]
    bpy.ops.object.mode_set(mode="OBJECT")


def test_all_kinds_of_surfaces_count(camera: Any) -> None:
    add = bpy.ops.object
    for name, make in {
        "ball": lambda: add.metaball_add(radius=0.5, location=(-1, 0, 0)),
        "ball's other": lambda: add.metaball_add(radius=0.5, location=(-1, 0.2, 0)),
        "text": lambda: add.text_add(location=(0, 0, 0)),
        "circle": lambda: bpy.ops.curve.primitive_bezier_circle_add(radius=0.5),
        "line": lambda: bpy.ops.curve.primitive_nurbs_path_add(),
        "surface": lambda: bpy.ops.surface.primitive_nurbs_surface_sphere_add(location=(1, 0, 0)),
    }.items():
        make()
        made = bpy.context.object
        made.mixdiff.enabled, made.mixdiff.prompt = True, name
        if name == "circle":
            made.data.dimensions, made.data.fill_mode = "2D", "BOTH"
    assert sorted(places()) == ["ball", "ball's other", "circle", "surface", "text"]
    assert places()["ball"] == places()["ball's other"]
    assert warnings() == ["NurbsPath has no surface and is left out"]


def test_what_is_hidden_is_left_out_with_the_reason(scene: Any, camera: Any) -> None:
    layer = bpy.context.view_layer.layer_collection
    for name in ("excluded", "not rendered", "not shown", "off in the viewport", "seen"):
        collection = bpy.data.collections.new(name)
        scene.collection.children.link(collection)
        guide = add_region(f"guide {name}", f"guide {name}", size=(2, 2))
        guide.mixdiff.guide = True
        for plane in (add_region(name, name), guide):
            scene.collection.objects.unlink(plane)
            collection.objects.link(plane)
    layer.children["excluded"].exclude = True
    bpy.data.collections["not rendered"].hide_render = True
    layer.children["not shown"].hide_viewport = True
    bpy.data.collections["off in the viewport"].hide_viewport = True
    eye = add_region("eye", "eye")
    eye.location.x = 1
    update()
    eye.hide_set(True)
    assert sorted(places()) == [
        "eye",
        "guide not rendered",
        "guide not shown",
        "guide off in the viewport",
        "guide seen",
        "not shown",
        "off in the viewport",
        "seen",
    ]
    assert sorted(warning.removesuffix(" and is left out") for warning in warnings()) == [
        "excluded is in no collection of the view layer",
        "guide excluded is in no collection of the view layer",
        "not rendered is hidden from the render",
    ]


def test_instances_count_for_what_makes_them(scene: Any, camera: Any) -> None:
    source = bpy.data.collections.new("source")
    for at in ((-0.5, 0, 0), (0.5, 0, 0)):
        plane = add_plane("part", size=(0.5, 0.5), at=at)
        scene.collection.objects.unlink(plane)
        source.objects.link(plane)
    instance = bpy.data.objects.new("instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", source
    instance.location = (1, 0.5, 0)
    instance.scale = (1, -1, 1)
    scene.collection.objects.link(instance)
    select(instance)
    bpy.ops.mixdiff.mark_regions()
    instance.mixdiff.prompt, instance.mixdiff.shape = "instance", "rectangle"
    nodes = add_region("nodes", "nodes", size=(1, 1), at=(-1, -0.5, 0))
    tree = bpy.data.node_groups.new("nodes", "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    instancing = tree.nodes.new("GeometryNodeInstanceOnPoints")
    tree.links.new(start.outputs[0], instancing.inputs["Points"])
    tree.links.new(start.outputs[0], instancing.inputs["Instance"])
    tree.links.new(instancing.outputs[0], end.inputs[0])
    nodes.modifiers.new("nodes", "NODES").node_group = tree
    assert places() == {"instance": [8, 24, 72, 120], "nodes": [16, 64, 0, 64]}


# --- Libraries, and several scenes --------------------------------------------------------------

WALL, ROAD = [0, 64, 0, 64], [0, 64, 64, 128]


@pytest.fixture
def library(scene: Any, camera: Any, tmp_path: Path) -> str:
    """A file with a scene of two regions, whose list is not in the order of their making."""
    scene.name = "Linked"
    add_region("wall", "a linked wall", size=(2, 2), at=(-1, 0, 0))
    add_region("road", "a linked road", size=(2, 2), at=(1, 0, 0))
    update()
    scene.mixdiff.regions.move(1, 0)
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


def test_a_region_on_a_library_override_is_saved(scene: Any, camera: Any, tmp_path: Path) -> None:
    add_plane("prop", size=(2, 2), at=(-1, 0, 0))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "props.blend"))
    scene = empty_scene()
    add_camera(scene)
    with bpy.data.libraries.load(str(tmp_path / "props.blend"), link=True) as (_, data):
        data.objects = ["prop"]
    scene.collection.objects.link(data.objects[0])
    select(data.objects[0])
    with pytest.raises(RuntimeError, match="make a library override of it"):
        bpy.ops.mixdiff.mark_regions()
    override = data.objects[0].override_create(remap_local_usages=True)
    update()
    select(override)
    bpy.ops.mixdiff.mark_regions()
    override.mixdiff.prompt, override.mixdiff.mask_weight = "a street sign", 2
    override.mixdiff.mask = bpy.data.images.new("mask", 8, 8)
    uid = override.mixdiff.uid
    assert places() == {"a street sign": WALL}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    settings = bpy.data.objects["prop"].mixdiff
    assert (settings.enabled, settings.prompt, settings.mask_weight) == (True, "a street sign", 2)
    assert (settings.mask.name, settings.uid) == ("mask", uid)
    assert places() == {"a street sign": WALL}


def test_regions_of_linked_libraries_are_regions(library: str) -> None:
    scene = empty_scene()
    add_camera(scene)
    with bpy.data.libraries.load(library, link=True) as (_, data):
        data.objects, data.scenes = ["wall"], ["Linked"]
    scene.collection.objects.link(data.objects[0])
    update()
    assert places() == {"a linked wall": WALL}
    override = data.objects[0].override_create()
    scene.collection.objects.unlink(data.objects[0])
    scene.collection.objects.link(override)
    override.location.x = 1
    update()
    assert places() == {"a linked wall": ROAD}
    linked = places(data.scenes[0])
    assert list(linked.items()) == [("a linked road", ROAD), ("a linked wall", WALL)]


def test_two_scenes_see_the_same_object_each_with_its_camera(scene: Any, camera: Any) -> None:
    shared = add_region("shared", "shared", size=(2, 2))
    other = bpy.data.scenes.new("Other")
    other.render.resolution_x, other.render.resolution_y = 64, 64
    other.mixdiff.canvas_size, other.mixdiff.background = "render", False
    other.collection.objects.link(shared)
    other.camera = bpy.data.objects.new("Other camera", bpy.data.cameras.new("Other camera"))
    other.camera.data.type, other.camera.data.ortho_scale = "ORTHO", 2
    other.camera.location.z = 5
    other.collection.objects.link(other.camera)
    assert places() == {"shared": [0, 64, 32, 96]}
    assert places(other) == {"shared": [0, 64, 0, 64]}


def test_two_hundred_regions_are_read_in_half_a_second() -> None:
    scene = empty_scene(1920, 1080)
    add_camera(scene, type="PERSP")
    scene.mixdiff.prompt = "fog"
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=30, y_subdivisions=30)
    grid = bpy.context.object
    for number in range(200):
        made = bpy.data.objects.new(f"region {number}", grid.data)
        made.location = (number % 20 / 5 - 2, number // 20 / 5 - 1, 0)
        made.scale = (0.5, 0.5, 1)
        scene.collection.objects.link(made)
        made.mixdiff.enabled, made.mixdiff.prompt = True, "tree"
    update()
    took_s = []
    for _ in range(3):
        start_s = time.process_time()
        prompts = [region["prompt"] for region in regions()]
        took_s.append(time.process_time() - start_s)
    assert prompts.count("tree, fog") == 200
    assert min(took_s) < 0.5
