"""Regions made by the operators: drawn, of images, of annotations, rerolls."""

import random
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from bl_ext.user_default.mixdiff.job.regions.entries import entries, name_of
from scenes import add_camera, add_plane, add_region, empty_scene, render

report: Any
folder = Path(sys.argv[1])
told: dict[str, Any] = {}


def job() -> Any:
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def place(region: dict[str, Any]) -> list[int]:
    return [region[name] for name in ("row_init", "row_end", "col_init", "col_end")]


def alpha(name: str) -> float:
    path = str(folder / name)
    render(bpy.context.scene, path)
    image = bpy.data.images.load(path)
    pixels = np.empty(image.size[0] * image.size[1] * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return float(pixels[3::4].max())


# Drawn rectangles fit exactly, whatever the camera is.
draw = random.Random(3)
told["drawn"] = []
for _ in range(12):
    scene = empty_scene(draw.choice([128, 240]), draw.choice([64, 200]))
    camera = add_camera(scene, type=draw.choice(["PERSP", "ORTHO"]))
    camera.data.shift_x, camera.data.shift_y = draw.uniform(-0.5, 0.5), draw.uniform(-0.5, 0.5)
    camera.data.clip_start, camera.data.clip_end = draw.choice([(0.1, 100), (5, 9), (0.01, 0.5)])
    camera.data.lens = draw.uniform(15, 100)
    camera.location = [draw.uniform(-9, 9) for _ in range(3)]
    camera.rotation_euler = [draw.uniform(-3, 3) for _ in range(3)]
    camera.scale = draw.choice([(1, 1, 1), (2, 2, 2), (0.5, 1, 3)])
    bpy.context.view_layer.update()
    wanted = [8, 56, 16, 104]
    sides = dict(zip(("row_init", "row_end", "col_init", "col_end"), wanted, strict=True))
    bpy.ops.mixdiff.draw_region(**sides, prompt="drawn")
    (region,) = job().document["regions"]
    camera.location.x += 5
    bpy.context.view_layer.update()
    (moved,) = job().document["regions"]
    told["drawn"].append([place(region), place(moved), region["prompt"]])
told["wanted"] = wanted

# A drawn region is not rendered; its name, its type and the selection.
scene = empty_scene()
add_camera(scene)
scene.render.film_transparent, scene.world = True, None
bpy.ops.mixdiff.draw_region(row_end=64, col_end=64, type="reroll")
region = bpy.context.object
told["guide"] = {
    "name": region.name,
    "selected": [item.name for item in bpy.context.selected_objects],
    "parent": region.parent.name,
    "alpha": alpha("guide.png"),
    "reroll": [place(r) for r in job().document["reroll_regions"]],
    "listed": [name_of(entry) for entry in entries(scene)],
}
region.mixdiff.guide = False
told["guide"]["alpha_without"] = alpha("no_guide.png")
try:
    bpy.ops.mixdiff.draw_region(row_init=8, row_end=8)
except RuntimeError as error:
    told["empty_rectangle"] = str(error)

# Images: an empty, a plane with a texture, a file; a textured plane that is chosen to be text.
scene = empty_scene()
add_camera(scene)
photo = bpy.data.images.new("photo", 64, 32)
photo.filepath_raw, photo.file_format = str(folder / "photo.png"), "PNG"
photo.save()
empty = bpy.data.objects.new("empty", None)
empty.empty_display_type, empty.data, empty.empty_display_size = "IMAGE", photo, 2
empty.location = (-1, 0.5, 0)
scene.collection.objects.link(empty)
textured = add_plane("textured", size=(1, 1), at=(1, 0, 0))
material = bpy.data.materials.new("photo")
material.use_nodes = True
material.node_tree.nodes.new("ShaderNodeTexImage").image = photo
textured.data.materials.append(material)
plain = add_plane("plain", size=(4, 2))
for item in (empty, textured, plain):
    item.select_set(True)
bpy.ops.mixdiff.mark_regions()
found = job().document["regions"]
told["images"] = {
    item.name: [item.mixdiff.type, getattr(item.mixdiff.reference_image, "name", None)]
    for item in (empty, textured, plain)
}
told["image_places"] = [place(r) for r in found if r["type"] == "image2image"]
told["image_files"] = [Path(r["reference_image"]).name for r in found if "reference_image" in r]
empty.mixdiff.reference_image = None
empty.mixdiff.enabled = False
plain.select_set(False)
bpy.ops.mixdiff.mark_regions(type="text2image")
told["chosen_text"] = [empty.mixdiff.type, textured.mixdiff.type]
bpy.ops.mixdiff.add_image_region(filepath=str(folder / "photo.png"))
added = bpy.context.object
told["from_file"] = [added.type, added.mixdiff.type, added.mixdiff.reference_image.name]
told["from_file_place"] = place(job().document["regions"][-1])

# Annotations: drawn on the screen and in space, in a camera view.
scene = empty_scene(128, 128)
camera = add_camera(scene, type="PERSP", lens=50)
camera.location, camera.rotation_euler = (0, -8, 4), (1.1, 0, 0)
window = bpy.context.window_manager.windows[0]
area = next((a for a in window.screen.areas if a.type == "VIEW_3D"), None)
if area is None:
    area = window.screen.areas[0]
    area.type = "VIEW_3D"
window_region = next(r for r in area.regions if r.type == "WINDOW")
area.spaces[0].region_3d.view_perspective = "CAMERA"
KEYS = [item.identifier for item in bpy.types.OperatorStrokeElement.bl_rna.properties]


def stroke(*points: tuple[float, float, float]) -> Any:
    """Draw a stroke on the active layer, then put its points where they are wanted."""
    own = {"name": "", "location": (0, 0, 0), "pressure": 1.0, "size": 0, "pen_flip": False}
    own |= {"x_tilt": 0.0, "y_tilt": 0.0, "time": 0.0, "is_start": False}
    drawn = []
    for number in range(len(points)):
        mouse = (100 + 50 * number, 100)
        element = {**own, "mouse": mouse, "mouse_event": mouse}
        drawn.append({key: value for key, value in element.items() if key in KEYS})
    bpy.ops.gpencil.annotate("EXEC_DEFAULT", mode="DRAW", stroke=drawn, wait_for_input=False)
    made = notes().layers[notes().layers.active_index].active_frame.strokes[-1]
    assert len(made.points) == len(points)
    for point, co in zip(made.points, points, strict=True):
        point.co = co


def notes() -> Any:
    return getattr(scene, "annotation", None) or scene.grease_pencil


with bpy.context.temp_override(window=window, area=area, region=window_region):
    told["annotations_poll"] = bpy.ops.mixdiff.mark_annotations.poll()
    bpy.ops.gpencil.annotation_add()
    notes().layers[0].info = "a stormy sky"
    scene.tool_settings.annotation_stroke_placement_view3d = "VIEW"
    stroke((25, 75, 0), (75, 100, 0), (50, 90, 0))
    bpy.ops.gpencil.layer_annotation_add()
    notes().layers[notes().layers.active_index].info = "a far away tower"
    scene.tool_settings.annotation_stroke_placement_view3d = "CURSOR"
    stroke((-1, 0, 0.5), (1, 0, 0.5), (1, 0, 1.5))
    bpy.ops.mixdiff.mark_annotations(layers="active")
    told["one_layer"] = [name_of(entry) for entry in entries(scene)]
    bpy.ops.mixdiff.mark_annotations()
told["layers"] = [name_of(entry) for entry in entries(scene)]
found = {region["prompt"]: place(region) for region in job().document["regions"]}
told["layer_places"] = found
plane = add_plane("same as the tower")
plane.scale = (1, 1, 1)
for vertex, co in zip(
    plane.data.vertices, [(-1, 0, 0.5), (1, 0, 0.5), (-1, 0, 1.5), (1, 0, 1.5)], strict=True
):
    vertex.co = co
plane.mixdiff.enabled = True
told["tower_as_plane"] = place(job().document["regions"][-1])
bpy.data.objects.remove(plane)
scene.render.use_border = scene.render.use_crop_to_border = True
scene.render.border_min_x, scene.render.border_max_x = 0.25, 0.75
scene.render.border_min_y, scene.render.border_max_y = 0.5, 1.0
told["cropped_sky"] = next(
    place(r) for r in job().document["regions"] if r["prompt"] == "a stormy sky"
)
scene.render.use_border = False
camera.data.shift_x = 0.25
bpy.context.view_layer.update()
told["shifted_sky"] = next(
    place(r) for r in job().document["regions"] if r["prompt"] == "a stormy sky"
)
camera.data.shift_x = 0
entry = entries(scene)[1]
entry.settings.prompt, entry.settings.mask_weight = "a calm sky", 0.5
scene.keyframe_insert(f"mixdiff.regions[{1}].settings.guidance_scale", frame=1)
told["layer_settings"] = [
    [r["prompt"], r["mask_weight"]] for r in job().document["regions"] if "sky" in r["prompt"]
]
notes().layers[notes().layers.active_index].info = "a ruin"
camera.location.x += 0.1
bpy.context.view_layer.update()
told["renamed"] = [name_of(entry) for entry in entries(scene)]
notes().layers.remove(notes().layers[0])
told["removed"] = [name_of(entry) for entry in entries(scene)]

# Keyframes of what can be animated.
scene = empty_scene()
add_camera(scene)
region = add_region("region", "a road")
settings, first = region.mixdiff, {}
values = {"guidance_scale": (2, 10), "mask_weight": (1, 3), "strength": (0, 1), "noise_eps": (0, 1)}
for name, (start, end) in values.items():
    for frame, value in ((1, start), (11, end)):
        setattr(settings, name, value)
        region.keyframe_insert(f"mixdiff.{name}", frame=frame)
photo = bpy.data.images.new("photo", 8, 8)
image_region = add_region("image")
image_region.mixdiff.type, image_region.mixdiff.reference_image = "image2image", photo
curve = image_region.driver_add("mixdiff.strength").driver
curve.type, curve.expression = "SCRIPTED", "frame / 20"
told["animated"] = {}
for frame in (1, 6, 11):
    scene.frame_set(frame)
    text, image = job().document["regions"]
    told["animated"][frame] = [text[n] for n in ("guidance_scale", "mask_weight", "noise_eps")]
    told["animated"][frame].append(image["strength"])

report(told)
