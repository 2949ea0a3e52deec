"""What jobs come of known scenes."""

import random
import sys
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.mixdiff.contract import EngineError
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from bl_ext.user_default.mixdiff.job.regions.camera import view_of
from bl_ext.user_default.mixdiff.job.regions.projection import visible_bounds
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

sys.path.insert(0, str(Path(__file__).parent))
from scenes import add_camera, add_plane, add_region, empty_scene

report: Any
told: dict[str, Any] = {}


def place(region: dict[str, Any]) -> list[int]:
    return [region[name] for name in ("row_init", "row_end", "col_init", "col_end")]


def job() -> Any:
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def places() -> list[list[int]]:
    return [place(region) for region in job().document["regions"]]


def error() -> str:
    try:
        found = job()
    except EngineError as problem:
        return str(problem)
    return "\n".join(found.told(problem) for problem in found.errors)


# An orthographic camera, its frame 4 × 2 units on 128 × 64 pixels: 32 pixels a unit.
scene = empty_scene()
add_camera(scene)
add_region("a whole", "everything")
add_region("b quarter", "part", size=(2, 1), at=(1, 0.5, 0))
add_region("c beyond", "cut", size=(4, 1), at=(-2, -0.5, 0))
add_region("d tiny", "dot", size=(0.01, 0.01), at=(0.13, 0.13, 0))
add_region("e outside", "unseen", at=(20, 0, 0))
add_region("f hidden", "unseen").hide_render = True
add_region("g behind", "unseen", at=(0, 0, 20))
add_plane("h no region")
ortho = job()
told["ortho"] = {
    "size": [ortho.document["canvas_height"], ortho.document["canvas_width"]],
    "places": [place(region) for region in ortho.document["regions"]],
    "prompts": [region["prompt"] for region in ortho.document["regions"]],
    "objects": ortho.objects,
    "warnings": [problem.message for problem in ortho.warnings],
}

# Every key of a region and of the scene arrives.
scene = empty_scene()
add_camera(scene)
region = add_region("region", "a road").mixdiff
region.negative_prompt, region.guidance_scale = "fog", 3.5
region.mask_type, region.mask_weight = "quartic", 0.5
region.region_seed, region.noise_eps = 2**64 - 1, 0.25
reroll = add_region("reroll", size=(1, 1)).mixdiff
reroll.type, reroll.reroll_mode, reroll.noise_eps = "reroll", "epsilon", 0.5
photo = add_region("photo", size=(1, 1)).mixdiff
photo.type, photo.strength = "image2image", 0.75
photo.reference_image = bpy.data.images.new("painted", 8, 8)
settings = scene.mixdiff
settings.scheduler, settings.negative_prompt = "ddim", "text"
settings.cpu_vae, settings.decode_steps, settings.noise_device = True, True, "device"
found = job()
told["keys"] = found.document
told["reference"] = found.document["regions"][1]["reference_image"]
told["pictures"] = {name: image.name for name, image in found.pictures.items()}
region.randomize_guidance, region.region_seed, region.negative_prompt = True, None, ""
settings.seed, settings.scheduler = None, "own"
told["open"] = job().document["regions"][0]
told["open_seed"] = job().document["seed"]
told["digits"] = []
for typed in (" 71 789x", "", "9" * 30):
    settings.seed_digits = typed
    told["digits"].append(settings.seed_digits)

# Animated settings are read at the current frame.
region.randomize_guidance = False
bpy.data.objects["region"].keyframe_insert("mixdiff.mask_weight", frame=1)
region.mask_weight = 2
bpy.data.objects["region"].keyframe_insert("mixdiff.mask_weight", frame=11)
told["animated"] = []
for frame in (1, 6, 11):
    scene.frame_set(frame)
    told["animated"].append(job().document["regions"][0]["mask_weight"])

# Resolutions that are no multiple of the stride.
scene = empty_scene(205, 99)
add_camera(scene)
add_region("whole", size=(10, 10))
scene.render.resolution_percentage = 50
told["odd"] = [job().document["canvas_height"], job().document["canvas_width"], *places()]

# A perspective camera standing inside a long floor: what is behind it is cut away.
scene = empty_scene()
camera = add_camera(scene, type="PERSP", lens=50, sensor_width=36)
camera.location, camera.rotation_euler = (0, 0, 1), (radians(90), 0, 0)
add_region("floor", "road", size=(100, 100))
told["floor"] = places()

# The projection agrees with Blender's own, for many cameras.
scene = empty_scene()
camera = add_camera(scene)
draw = random.Random(1)
worst, compared = 0.0, 0
for _ in range(200):
    data = camera.data
    data.type = draw.choice(["PERSP", "ORTHO"])
    data.lens, data.ortho_scale = draw.uniform(15, 100), draw.uniform(1, 10)
    data.shift_x, data.shift_y = draw.uniform(-0.5, 0.5), draw.uniform(-0.5, 0.5)
    data.sensor_fit = draw.choice(["AUTO", "HORIZONTAL", "VERTICAL"])
    scene.render.resolution_x, scene.render.resolution_y = (
        draw.randint(8, 999),
        draw.randint(8, 999),
    )
    scene.render.pixel_aspect_x = draw.choice([1, 1, 1.5, 2])
    camera.location = [draw.uniform(-3, 3) for _ in range(3)]
    camera.rotation_euler = [draw.uniform(-3, 3) for _ in range(3)]
    camera.scale = [draw.uniform(0.5, 2)] * 3
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    to_world = camera.matrix_world.normalized()
    points = [
        to_world @ Vector((draw.uniform(-2, 2), draw.uniform(-2, 2), -draw.uniform(3, 9)))
        for _ in range(3)
    ]
    expected = np.array([world_to_camera_view(scene, camera, point)[:2] for point in points])
    if expected.min() <= 0 or expected.max() >= 1:
        continue
    bounds = visible_bounds(view, np.array(points), np.array([[0, 1, 2]]))
    found = [bounds.left, bounds.bottom, bounds.right, bounds.top]
    differences = np.array(found) - [*expected.min(axis=0), *expected.max(axis=0)]
    worst, compared = max(worst, float(np.abs(differences).max())), compared + 1
told["worst"], told["compared"] = worst, compared

# What is wrong, in words.
scene = empty_scene()
photo = add_region("photo")
told["no_camera"] = error()
camera = add_camera(scene, type="PANO")
told["panorama"] = error()
camera.data.type = "ORTHO"
photo.mixdiff.type = "image2image"
told["no_picture"] = error()
bpy.data.objects.remove(photo)


def generate_error() -> str:
    try:
        bpy.ops.mixdiff.generate()
    except RuntimeError as problem:
        return str(problem)
    return ""


told["no_region"] = generate_error()
add_region("only a reroll").mixdiff.type = "reroll"
told["no_text"] = generate_error()
region = add_region("wall", "bricks")
scene.mixdiff.model = "nothing here"
told["no_model"] = generate_error()

report(told)
