"""The ways to use a known picture, each rendered."""

import sys
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.mixdiff.job.regions.camera import view_of
from bl_ext.user_default.mixdiff.results import history
from bl_ext.user_default.mixdiff.results.colour import expectation
from bl_ext.user_default.mixdiff.storage.pictures import png_of
from mathutils import Euler, Matrix
from scenes import add_camera, add_plane, empty_scene, render

report: Any
folder = Path(sys.argv[1])
told: dict[str, Any] = {}
WIDTH, HEIGHT = 192, 96


def painted() -> Path:
    """Write a picture whose colours tell where they are from."""
    path = folder / "painted.png"
    across = np.linspace(30, 230, WIDTH)[None, :].repeat(HEIGHT, axis=0)
    up = np.linspace(220, 20, HEIGHT)[:, None].repeat(WIDTH, axis=1)
    rings = 128 + 60 * np.sin(np.hypot(across - 130, up - 90) / 9)
    path.write_bytes(png_of(np.stack([across, up, rings], axis=2).round().astype(np.uint8)))
    return path


PICTURE = painted()


def scene_with_picture(**camera: Any) -> Any:
    """Return an empty scene whose result is the picture, painted from its camera."""
    scene = empty_scene(WIDTH, HEIGHT)
    scene.world = None
    scene.cycles.samples = 4
    placed = add_camera(scene, type="PERSP", lens=30, sensor_width=36, **camera)
    placed.location, placed.rotation_euler = (0.4, -6, 2), (radians(75), 0, radians(4))
    return scene


def take_in(scene: Any) -> None:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    setting = history.JobContext(snapshot={}, places={}, view=view_of(scene, depsgraph))
    history.add(scene, PICTURE, {"seed": 7}, setting)


def select(*objects: Any) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    for obj in objects:
        obj.select_set(True)


def shoot(scene: Any, name: str) -> None:
    render(scene, str(folder / f"{name}.png"))


def counts() -> list[int]:
    kinds = (bpy.data.images, bpy.data.materials, bpy.data.node_groups, bpy.data.worlds)
    return [len(kind) for kind in kinds]


def room(scene: Any) -> list[Any]:
    """Build a floor that passes behind the camera, a long slanted wall, a cube and a ball."""
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
    text = bpy.context.object
    return [floor, wall, cube, ball, text]


# --- Projected --------------------------------------------------------------------------------

cameras: dict[str, dict[str, float]] = {
    "perspective": {},
    "shifted": {"shift_x": 0.2, "shift_y": -0.1},
    "orthographic": {},
}
for name, settings in cameras.items():
    scene = scene_with_picture(**settings)
    if name == "orthographic":
        scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 9
    if name == "shifted":
        scene.render.pixel_aspect_x = 1.5
    objects = room(scene)
    bpy.context.view_layer.update()
    take_in(scene)
    bpy.ops.mixdiff.project(onto="ALL")
    shoot(scene, f"projected_{name}")

# Again piles nothing up; the object's own materials come back.
scene = scene_with_picture()
objects = room(scene)
floor, wall, cube, ball, text = objects
own = bpy.data.materials.new("own")
cube.data.materials.append(own)
bpy.context.view_layer.update()
take_in(scene)
select(*objects)
bpy.ops.mixdiff.project()
before = counts()
bpy.ops.mixdiff.project()
told["piled_up"] = [after - was for after, was in zip(counts(), before, strict=True)]
shoot(scene, "projected_again")

# Seen from elsewhere, the picture stays where it is on the objects.
camera = scene.camera
start = camera.matrix_world.copy()
camera.location, camera.rotation_euler = (7, -4, 3), (radians(72), 0, radians(60))
shoot(scene, "from_the_side")
bpy.ops.mixdiff.project()
shoot(scene, "from_the_side_again")
bpy.ops.mixdiff.project(view="CAMERA")
shoot(scene, "from_the_side_anew")
camera.matrix_world = start
bpy.ops.mixdiff.project()

# Everything moves together, camera too: the same render.
move = Matrix.Translation((50, -20, 7)) @ Euler((0.3, 0.2, 1)).to_matrix().to_4x4()
bpy.context.view_layer.update()
for obj in [*objects, camera]:
    obj.matrix_world = move @ obj.matrix_world
bpy.context.view_layer.update()
shoot(scene, "moved_together")
told["own_material_stays"] = cube.data.materials[0] == own
select(cube)
bpy.ops.mixdiff.remove_projection()
told["own_material_back"] = cube.material_slots[0].material == own
told["projection_left"] = [key for key in dict(cube) if "projection" in key]

# --- The world --------------------------------------------------------------------------------

scene = scene_with_picture()
take_in(scene)
own_world = bpy.data.worlds.new("own world")
own_world.use_nodes = True
own_world.node_tree.nodes["Background"].inputs["Color"].default_value = (0, 0.5, 0, 1)
scene.world = own_world
bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, location=(0, 0, 0.3))
ball = bpy.context.object
shoot(scene, "world_own")
scene.render.film_transparent = True
bpy.ops.mixdiff.use_as_world(surrounding="BACKDROP")
before = counts()
for surrounding in ("AROUND", "BACKDROP", "BACKDROP"):
    bpy.ops.mixdiff.use_as_world(surrounding=surrounding)
told["worlds_piled_up"] = [after - was for after, was in zip(counts(), before, strict=True)]
told["worlds"] = sorted(world.name for world in bpy.data.worlds)
told["own_world_kept"] = own_world.use_fake_user
told["own_world_nodes"] = len(own_world.node_tree.nodes)
shoot(scene, "world_backdrop")
ball.hide_render = True
bpy.ops.mixdiff.use_as_world(surrounding="AROUND")
shoot(scene, "world_around")

# --- The camera's background ------------------------------------------------------------------

scene = scene_with_picture()
take_in(scene)
data = scene.camera.data
data.background_images.new()
for depth in ("BACK", "FRONT", "BACK"):
    bpy.ops.mixdiff.use_as_background(depth=depth)
told["backgrounds"] = [
    [b.image.name if b.image else None, b.frame_method, b.display_depth, round(b.alpha, 3)]
    for b in data.background_images
]
told["backgrounds_shown"] = data.show_background_images

# --- The compositor, where somebody has been before ------------------------------------------

scene = scene_with_picture()
take_in(scene)


def compositor(scene: Any) -> Any:
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("theirs", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        return tree, tree.nodes.new("NodeGroupOutput")
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    return tree, tree.nodes.new("CompositorNodeComposite")


tree, output = compositor(scene)
layers = tree.nodes.new("CompositorNodeRLayers")
flip = tree.nodes.new("CompositorNodeInvert")
tree.links.new(layers.outputs["Image"], flip.inputs["Color"])
tree.links.new(flip.outputs[0], output.inputs[0])
select()
bpy.ops.mixdiff.use_in_compositor(placing="BEHIND")
over = tree.nodes["MixDiff Over"]
told["theirs_leads_to"] = flip.outputs[0].links[0].to_node.name
# They put a node after ours, mute ours, and take the picture away.
last = tree.nodes.new("CompositorNodeFlip")
if "Flip X" in last.inputs:  # Blender 5.0 and later
    last.inputs["Flip X"].default_value = True
tree.links.new(over.outputs[0], last.inputs[0])
tree.links.new(last.outputs[0], output.inputs[0])
tree.nodes.remove(tree.nodes["MixDiff Picture"])
over.mute = True
bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
told["after_theirs"] = output.inputs[0].links[0].from_node.name
shoot(scene, "compositor_flipped")
tree.links.remove(output.inputs[0].links[0])
bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
shoot(scene, "compositor_again")
told["compositor_nodes"] = sorted(node.name for node in tree.nodes)

# --- A picture of the render region alone -------------------------------------------------------

scene = scene_with_picture()
size = scene.render
size.resolution_x, size.resolution_y = 2 * WIDTH, 2 * HEIGHT
size.use_border = size.use_crop_to_border = True
size.border_min_x, size.border_max_x, size.border_min_y, size.border_max_y = (
    0.25,
    0.75,
    0.125,
    0.625,
)
take_in(scene)
bpy.ops.mixdiff.use_as_world(surrounding="BACKDROP")
shoot(scene, "region_backdrop")
room(scene)
bpy.context.view_layer.update()
bpy.ops.mixdiff.project(onto="ALL", view="CAMERA")
shoot(scene, "region_projected")
bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
shoot(scene, "region_compositor")

# --- Undo -----------------------------------------------------------------------------------

scene = scene_with_picture()
take_in(scene)
scene.world = bpy.data.worlds.new("own world")
screen = add_plane("screen")
screen.data.materials.append(bpy.data.materials.new("own"))
select(screen)


def state() -> dict[str, Any]:
    """Return what the uses change."""
    scene = bpy.context.scene
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    screen = bpy.data.objects["screen"]
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


told["undone"] = {}
bpy.ops.ed.undo_push(message="start")
for use in ("use_as_texture", "project", "use_in_compositor", "use_as_world", "use_as_background"):
    before = state()
    getattr(bpy.ops.mixdiff, use)()
    during = state()
    bpy.ops.ed.undo_push(message=use)
    bpy.ops.ed.undo()
    told["undone"][use] = [during != before, state() == before]
scene = bpy.context.scene

# --- Colour -----------------------------------------------------------------------------------

told["standard"] = expectation(scene)
scene.view_settings.view_transform = "AgX"
screen = add_plane("screen")
select(screen)
settings = scene.view_settings
managed = [settings.view_transform, settings.look, settings.exposure]
for use in (
    bpy.ops.mixdiff.use_as_texture,
    bpy.ops.mixdiff.project,
    bpy.ops.mixdiff.use_in_compositor,
    bpy.ops.mixdiff.use_as_world,
    bpy.ops.mixdiff.use_as_background,
):
    use()
told["untouched"] = [settings.view_transform, settings.look, settings.exposure] == managed
told["managed"] = expectation(scene)
settings.view_transform, settings.exposure = "Standard", 1
told["exposed"] = expectation(scene)

report(told)
