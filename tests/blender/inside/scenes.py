"""Scenes for tests and scripts that run inside a Blender."""

import random
from pathlib import Path
from typing import Any

import bpy
import numpy as np

TINY_SD = Path(__file__).parents[2] / "data" / "tiny-sd"


def empty_scene(width: int = 128, height: int = 64) -> Any:
    """Clear the file and return its scene: no objects, quick and exact to render."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.engine = "CYCLES"
    scene.render.dither_intensity = 0
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.view_settings.view_transform = "Standard"
    if hasattr(scene.render, "compositor_device"):
        scene.render.compositor_device = "CPU"
    scene.mixdiff.canvas_size, scene.mixdiff.background = "render", False
    scene.mixdiff.model = str(TINY_SD)
    scene.mixdiff.num_inference_steps = 2
    scene.mixdiff.seed = 7178915308
    return scene


def add_camera(scene: Any, **settings: Any) -> Any:
    """Add a camera that looks down from (0, 0, 10), orthographic with the frame 4 units wide."""
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    camera.location = (0, 0, 10)
    scene.collection.objects.link(camera)
    scene.camera = camera
    data.type, data.ortho_scale = "ORTHO", 4
    for name, value in settings.items():
        setattr(data, name, value)
    return camera


def scene_before_any_camera(draw: random.Random) -> Any:
    """Return an empty scene of some size whose camera looks from anywhere, through any lens."""
    scene = empty_scene(draw.choice([128, 240]), draw.choice([64, 200]))
    camera = add_camera(scene, type=draw.choice(["PERSP", "ORTHO"]))
    camera.data.shift_x, camera.data.shift_y = draw.uniform(-0.5, 0.5), draw.uniform(-0.5, 0.5)
    camera.data.clip_start, camera.data.clip_end = draw.choice([(0.1, 100), (5, 9), (0.01, 0.5)])
    camera.data.lens = draw.uniform(15, 100)
    camera.location = [draw.uniform(-9, 9) for _ in range(3)]
    camera.rotation_euler = [draw.uniform(-3, 3) for _ in range(3)]
    camera.scale = draw.choice([(1, 1, 1), (2, 2, 2), (0.5, 1, 3)])
    update()
    return scene


def add_plane(
    name: str, *, size: tuple[float, float] = (4, 2), at: tuple[float, float, float] = (0, 0, 0)
) -> Any:
    """Add a plane with a UV map, facing up."""
    bpy.ops.mesh.primitive_plane_add(size=1, location=at)
    plane = bpy.context.object
    plane.name = name
    plane.scale = (*size, 1)
    return plane


def add_region(name: str, prompt: str = "", **place: Any) -> Any:
    """Add a plane that is a region."""
    plane = add_plane(name, **place)
    plane.mixdiff.enabled = True
    plane.mixdiff.prompt = prompt
    return plane


def add_annotations(scene: Any, layer: str) -> Any:
    """Add annotations with one layer that has no stroke, and return it."""
    # Blender 5.0 renamed both.
    known = bpy.data.annotations if hasattr(bpy.data, "annotations") else bpy.data.grease_pencils
    pointer = "annotation" if hasattr(scene, "annotation") else "grease_pencil"
    setattr(scene, pointer, known.new("notes"))
    return getattr(scene, pointer).layers.new(layer)


def street(width: int = 128, height: int = 64) -> Any:
    """Return a scene with two overlapping regions that cover the canvas."""
    scene = empty_scene(width, height)
    add_camera(scene)
    add_region("left", "a brick wall", size=(2.5, 2), at=(-0.75, 0, 0))
    add_region("right", "green grass", size=(2.5, 2), at=(0.75, 0, 0))
    return scene


def select(*objects: Any) -> None:
    """Select these objects alone, the last one active."""
    bpy.ops.object.select_all(action="DESELECT")
    for obj in objects:
        obj.select_set(True)
        bpy.context.view_layer.objects.active = obj


def update() -> None:
    """Let Blender take in what was changed."""
    bpy.context.view_layer.update()


def place(region: dict[str, Any]) -> list[int]:
    """Return where a job's region lies: top, bottom, left, right."""
    return [region[name] for name in ("row_init", "row_end", "col_init", "col_end")]


def in_blender(image: Any) -> Any:
    """Return an image's values as Blender has them, (H, W, 4), the top row first."""
    values = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(image.size[1], image.size[0], 4)[::-1]


def pixels(path: Any) -> Any:
    """Return a PNG's levels, (H, W, 4), the top row first."""
    image = bpy.data.images.load(str(path))
    levels = np.round(in_blender(image) * 255).astype(int)
    bpy.data.images.remove(image)
    return levels


def file_of(image: Any) -> str:
    """Return where an image's file is."""
    return bpy.path.abspath(image.filepath)


def render(scene: Any, path: Any) -> Any:
    """Render to a PNG, and return its levels, (H, W, 4), the top row first."""
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return pixels(path)
