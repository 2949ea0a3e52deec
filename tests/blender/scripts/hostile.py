"""What comes of scenes that are not as one wishes, and of what the whole picture asks for."""

import sys
import time
from math import radians
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from scenes import add_camera, add_plane, add_region, empty_scene

report: Any
folder = Path(sys.argv[1])
told: dict[str, Any] = {}


def place(region: dict[str, Any]) -> list[int]:
    return [region[name] for name in ("row_init", "row_end", "col_init", "col_end")]


def job() -> Any:
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def job_of(scene: Any) -> Any:
    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        return job()


def places() -> dict[str, list[int]]:
    """Return the place of each region by its prompt."""
    return {region["prompt"]: place(region) for region in job().document["regions"]}


def warnings() -> list[str]:
    return [p.message for p in job().warnings if "of the canvas" not in p.message]


# The prompt of the whole picture, and what fills gaps.
scene = empty_scene()
add_camera(scene)
scene.mixdiff.prompt = "a sketch of {prompt} at dusk"
told["alone"] = job().document["regions"]
scene.camera = None
told["without_camera"] = len(job().document["regions"])
add_camera(scene)
left = add_region("left", "a wall", size=(2, 2), at=(-1, 0, 0))
bpy.context.view_layer.update()
told["gaps"] = [[r["prompt"], r["mask_weight"], *place(r)] for r in job().document["regions"]]
told["names"] = job().objects
told["gap_warnings"] = warnings()
scene.mixdiff.background = False
told["no_background"] = [r["prompt"] for r in job().document["regions"]]
scene.mixdiff.background = True
right = add_region("right", "", size=(2, 2), at=(1, 0, 0))
scene.mixdiff.prompt = "watercolour"
told["covered"] = [r["prompt"] for r in job().document["regions"]]

# Regions larger than the model paints well.
scene = empty_scene(1920, 1080)
add_camera(scene)
scene.mixdiff.prompt = "fog"
told["full_hd"] = len(job().document["regions"])
scene.mixdiff.tile_size = 960
told["larger_tiles"] = len(job().document["regions"])
scene.mixdiff.tile_size = 0
scene.mixdiff.model = "bundled"
told["bundled_tile_px"] = max(
    max(r["row_end"] - r["row_init"], r["col_end"] - r["col_init"])
    for r in job().document["regions"]
)
scene = empty_scene(1024, 512)
add_camera(scene)
wide = add_region("wide", "a wall", size=(4, 2)).mixdiff
wide.noise_eps, wide.region_seed, wide.randomize_guidance = 0.5, 7, True
found = job()
told["wide"] = {
    "masks": sorted({r["mask_type"] for r in found.document["regions"]}),
    "guidance": len({r["guidance_scale"] for r in found.document["regions"]}),
    "noise": [r["noise_eps"] for r in found.document["regions"]],
    "names": sorted(set(found.objects.values())),
    "reroll": [[*place(r), r["region_seed"]] for r in found.document["reroll_regions"]],
    "errors": [found.told(problem) for problem in found.problems],
}

# The camera: none, panoramic, inside a plane.
scene = empty_scene()
camera = add_camera(scene, type="PERSP", lens=50)
camera.location, camera.rotation_euler = (0, 0, 0), (radians(90), 0, 0)
add_region("around", "inside", size=(10, 10))
cube = bpy.ops.mesh.primitive_cube_add(size=6)
bpy.context.object.mixdiff.enabled, bpy.context.object.mixdiff.prompt = True, "room"
told["camera_inside"] = places()

# Off-screen, without a size, scaled to nothing or inside out.
scene = empty_scene()
add_camera(scene)
add_region("off", "off", at=(90, 0, 0))
add_region("point", "point", size=(0, 0), at=(-1, 0.5, 0))
add_region("line", "line", size=(2, 0), at=(0, -0.5, 0))
add_region("mirrored", "mirrored", size=(-2, 1), at=(1, 0.5, 0))
squeezed = add_region("squeezed", "squeezed", size=(1, 1), at=(-1, 0, 0))
squeezed.scale, squeezed.rotation_euler = (-1, 2, -3), (0, radians(180), 0)
empty_mesh = bpy.data.objects.new("nothing", bpy.data.meshes.new("nothing"))
scene.collection.objects.link(empty_mesh)
empty_mesh.mixdiff.enabled = True
light = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT"))
scene.collection.objects.link(light)
light.mixdiff.enabled = True
told["sizes"], told["size_warnings"] = places(), warnings()

# Other things with a surface, and one in edit mode.
scene = empty_scene()
add_camera(scene)
for name, add in {
    "ball": lambda: bpy.ops.object.metaball_add(radius=0.5, location=(-1, 0, 0)),
    "ball's other": lambda: bpy.ops.object.metaball_add(radius=0.5, location=(-1, 0.2, 0)),
    "text": lambda: bpy.ops.object.text_add(location=(0, 0, 0)),
    "circle": lambda: bpy.ops.curve.primitive_bezier_circle_add(radius=0.5),
    "line": lambda: bpy.ops.curve.primitive_nurbs_path_add(),
    "surface": lambda: bpy.ops.surface.primitive_nurbs_surface_sphere_add(location=(1, 0, 0)),
}.items():
    add()
    bpy.context.object.mixdiff.enabled, bpy.context.object.mixdiff.prompt = True, name
    if name == "circle":
        bpy.context.object.data.dimensions, bpy.context.object.data.fill_mode = "2D", "BOTH"
plane = add_region("edited", "edited", size=(1, 1))
bpy.ops.object.mode_set(mode="EDIT")
bpy.ops.mesh.select_all(action="SELECT")
bpy.ops.transform.translate(value=(1, 0, 0))
told["edited"] = places()["edited"]
bpy.ops.object.mode_set(mode="OBJECT")
told["others"], told["other_warnings"] = sorted(places()), warnings()

# Collections that are hidden or excluded.
scene = empty_scene()
add_camera(scene)
layer = bpy.context.view_layer.layer_collection
for name in ("excluded", "not rendered", "not shown", "off in the viewport", "seen"):
    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    plane = add_region(name, name)
    scene.collection.objects.unlink(plane)
    collection.objects.link(plane)
    guide = add_region(f"guide {name}", f"guide {name}", size=(2, 2))
    guide.mixdiff.guide = True
    scene.collection.objects.unlink(guide)
    collection.objects.link(guide)
layer.children["excluded"].exclude = True
bpy.data.collections["not rendered"].hide_render = True
layer.children["not shown"].hide_viewport = True
bpy.data.collections["off in the viewport"].hide_viewport = True
eye = add_region("eye", "eye")
eye.location.x = 1
bpy.context.view_layer.update()
eye.hide_set(True)
told["collections"], told["collection_warnings"] = sorted(places()), sorted(warnings())

# Instances: of a collection, and made by geometry nodes.
scene = empty_scene()
add_camera(scene)
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
instance.select_set(True)
bpy.ops.mixdiff.mark_regions()
instance.mixdiff.prompt = "instance"
nodes = add_region("nodes", "nodes", size=(1, 1), at=(-1, -0.5, 0))
tree = bpy.data.node_groups.new("nodes", "GeometryNodeTree")
tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
instancing = tree.nodes.new("GeometryNodeInstanceOnPoints")
tree.links.new(start.outputs[0], instancing.inputs["Points"])
tree.links.new(start.outputs[0], instancing.inputs["Instance"])
tree.links.new(instancing.outputs[0], end.inputs[0])
nodes.modifiers.new("nodes", "NODES").node_group = tree
told["instances"] = places()

# Linked libraries: objects, and a whole scene.
library = str(folder / "library.blend")
scene = empty_scene()
scene.name = "Linked"
add_camera(scene)
add_region("wall", "a linked wall", size=(2, 2), at=(-1, 0, 0))
add_region("road", "a linked road", size=(2, 2), at=(1, 0, 0))
bpy.context.view_layer.update()
scene.mixdiff.regions.move(1, 0)
bpy.ops.wm.save_as_mainfile(filepath=library)
scene = empty_scene()
add_camera(scene)
with bpy.data.libraries.load(library, link=True) as (source_data, data):
    data.objects, data.scenes = ["wall"], ["Linked"]
scene.collection.objects.link(data.objects[0])
bpy.context.view_layer.update()
told["linked_object"] = places()
override = data.objects[0].override_create()
scene.collection.objects.unlink(data.objects[0])
scene.collection.objects.link(override)
override.location.x = 1
bpy.context.view_layer.update()
told["override"] = places()
found = job_of(data.scenes[0]).document["regions"]
told["linked_scene"] = {region["prompt"]: place(region) for region in found}

# Two scenes with an object in both, and a camera each.
scene = empty_scene()
add_camera(scene)
shared = add_region("shared", "shared", size=(2, 2))
other = bpy.data.scenes.new("Other")
other.render.resolution_x, other.render.resolution_y = 64, 64
other.collection.objects.link(shared)
other_camera = bpy.data.objects.new("Other camera", bpy.data.cameras.new("Other camera"))
other_camera.data.type, other_camera.data.ortho_scale = "ORTHO", 2
other_camera.location.z = 5
other.collection.objects.link(other_camera)
other.camera = other_camera
told["two_scenes"] = [places()["shared"]]
(region,) = job_of(other).document["regions"]
told["two_scenes"].append(place(region))

# Two hundred regions.
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
bpy.context.view_layer.update()
took = []
for _ in range(3):
    began = time.process_time()
    document = job().document
    took.append(time.process_time() - began)
told["many"] = [r["prompt"] for r in document["regions"]].count("tree, fog")
told["many_s"] = min(took)

report(told)
