"""From nothing to a picture on a wall: what the panel does, done by a script.

Run it inside a Blender that has the extension enabled and its engine installed:
`blender -b --python examples/scripting.py -- FOLDER` writes everything to a folder.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import bpy


def scripting_module() -> Any:
    """Return the extension's module for scripts, in whatever repository it is installed.

    Where the repository is known, `from bl_ext.user_default.mixdiff import scripting` does.
    """
    names = [name for name, _ in bpy.context.preferences.addons.items()]
    package = next(name for name in names if name.split(".")[-1] == "mixdiff")
    return importlib.import_module(f"{package}.scripting")


def add_plane(name: str, *, width: float, height: float, x: float, y: float) -> Any:
    """Add a plane before the camera."""
    bpy.ops.mesh.primitive_plane_add(size=1, location=(x, y, 0))
    plane = bpy.context.object
    plane.name, plane.scale = name, (width, height, 1)
    return plane


def make_scene() -> tuple[Any, Any, Any]:
    """Return three planes before a camera whose frame is 4 wide and 2 high."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 256, 128
    scene.mixdiff.canvas_size = "render"
    lens = bpy.data.cameras.new("Camera")
    lens.type, lens.ortho_scale = "ORTHO", 4
    camera = bpy.data.objects.new("Camera", lens)
    camera.location.z = 10
    scene.collection.objects.link(camera)
    scene.camera = camera
    return (
        add_plane("sky", width=4, height=1.2, x=0, y=0.4),
        add_plane("wall", width=1.8, height=2, x=-1.1, y=0),
        add_plane("road", width=3, height=1, x=0.5, y=-0.5),
    )


def main(folder: Path) -> None:
    """Mark regions, look at the job, make the picture, and use it."""
    mixdiff = scripting_module()
    sky, wall, road = make_scene()
    scene = bpy.context.scene
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scripting.blend"))

    # Regions: objects that the camera sees, with what they ask for.
    mixdiff.mark([sky], prompt="blue sky with clouds", mask_weight=0.5)
    mixdiff.mark([wall], prompt="red brick wall", guidance_scale=8)
    mixdiff.mark([road], prompt="grey cobblestone", mask_type="quartic")
    scene.mixdiff.num_inference_steps = 4
    for region in mixdiff.regions():
        print(region.name, region.rectangles, region.prompt, *region.problems)

    # The job: as a dictionary, as a file for the engine alone, as a drawing.
    print(mixdiff.job(seed=7)["canvas_width"], "pixels wide")
    print(mixdiff.export_job(folder / "job.json", seed=7))
    print(mixdiff.explain(folder / "explain.png"))

    # Pictures: overrides hold for one call, the scene keeps its own settings.
    first = mixdiff.generate(seed=7)
    print(first.file, first.seed, *first.warnings)
    small = mixdiff.generate(output=folder / "small.png", seed=7, size=(128, 64), steps=2)
    print(small.file)

    # What the picture is for: the operators of the panel, on what is selected.
    for item in scene.objects:
        item.select_set(item == wall)
    bpy.ops.mixdiff.use_as_texture()
    bpy.ops.mixdiff.use_in_compositor(placing="BEHIND")

    # Projected from the camera, and baked to a picture of the object's UV map.
    bpy.ops.mixdiff.project()
    (baked,) = mixdiff.bake([wall], size=256)
    print(*baked.files)

    # What is no region any more is not painted.
    mixdiff.unmark([road])
    print([region.name for region in mixdiff.regions()])
    bpy.ops.wm.save_mainfile()


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    main(Path(words[0]).absolute())
