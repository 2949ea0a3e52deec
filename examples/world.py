"""A yard as a world: paints all that is around a camera, and looks around in it.

Run it inside a Blender that has the extension enabled: `world.py --output-folder FOLDER` writes
yard.blend, the picture, and a view into each direction. Each wall of the yard is a region.
"""

from __future__ import annotations

import argparse
import sys
from math import radians
from pathlib import Path
from typing import Any

import bpy

WALLS = {
    "Brick wall": ("red brick wall", (0, 4, 0.4), 0),
    "Planks": ("wooden planks", (5, 0, 0.4), -90),
    "Old wall": ("brown brick wall", (0, -4, 0.4), 180),
    "Hedge": ("green grass", (-5, 0, 0), 90),
}
VIEWS = {
    "ahead": (90, 0),
    "right": (90, -90),
    "behind": (90, 180),
    "left": (90, 90),
    "up": (180, 0),
    "down": (0, 0),
}
EYE_M = 1.7


def make_yard() -> Any:
    """Return a scene with four walls and paving around a camera, under a sky."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene: Any = bpy.context.scene
    camera: Any = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, 0, EYE_M), (radians(90), 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    bpy.ops.mesh.primitive_plane_add(size=10)
    add_region("Paving", "grey cobblestone", bpy.context.object)
    for name, (prompt, (x, y, z), turn) in WALLS.items():
        bpy.ops.mesh.primitive_cube_add(size=1, location=(x, y, z + 1.1))
        wall: Any = bpy.context.object
        wall.scale, wall.rotation_euler = (8 if x == 0 else 6, 0.4, 3), (0, 0, radians(turn))
        add_region(name, prompt, wall)
    settings = scene.mixdiff
    settings.look, settings.canvas_size = "around", "render"
    scene.render.resolution_x, scene.render.resolution_y = 1024, 512
    settings.background_prompt = "blue sky with clouds"
    settings.guidance_scale, settings.seed = 5.0, 7
    return scene


def add_region(name: str, prompt: str, obj: Any) -> None:
    """Make an object a region that covers what is seen of it."""
    obj.name = name
    obj.mixdiff.enabled, obj.mixdiff.shape = True, "silhouette"
    obj.mixdiff.prompt, obj.mixdiff.feather_px, obj.mixdiff.guidance_scale = prompt, 8, 5.0


def look_around(scene: Any, folder: Path) -> None:
    """Render the world alone into each direction."""
    for obj in scene.objects:
        obj.hide_render = obj.type == "MESH"
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = 384
    scene.world.cycles.sampling_method = "NONE"
    scene.camera.data.angle = radians(90)
    for name, (tilt, turn) in VIEWS.items():
        scene.camera.rotation_euler = (radians(tilt), 0, radians(turn))
        scene.render.filepath = str(folder / f"{name}.png")
        bpy.ops.render.render(write_still=True)


def main(folder: Path) -> None:
    """Paint the yard, make it the world, and look around."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = make_yard()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "yard.blend"))
    bpy.ops.mixdiff.generate()
    bpy.ops.mixdiff.use_as_world(surrounding="AROUND")
    look_around(scene, folder)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "yard.blend"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output-folder", type=Path, required=True)
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    main(parser.parse_args(words).output_folder.absolute())
