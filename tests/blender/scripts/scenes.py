"""Scenes for the scripts that run inside a Blender."""

from pathlib import Path
from typing import Any

import bpy

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


def street(width: int = 128, height: int = 64) -> Any:
    """Return a scene with two overlapping regions that cover the canvas."""
    scene = empty_scene(width, height)
    add_camera(scene)
    add_region("left", "a brick wall", size=(2.5, 2), at=(-0.75, 0, 0))
    add_region("right", "green grass", size=(2.5, 2), at=(0.75, 0, 0))
    return scene


def file_of(image: Any) -> str:
    """Return where an image's file is."""
    return bpy.path.abspath(image.filepath)


def render(scene: Any, path: str) -> None:
    """Render to a PNG."""
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
