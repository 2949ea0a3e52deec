"""How far the frames of a shot hold together, and what that costs: run inside a Blender.

`blender -b -P benchmarks/shots.py -- FOLDER` writes `shots.json` there, and
the frames. The figure: each frame is compared with the one before it, moved by the scene's exact
motion, where both see the same; the mean difference in levels of 255.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import bpy
import numpy as np

_ADDON = "bl_ext.user_default.mixdiff"
scripting = import_module(f"{_ADDON}.scripting")
overrides = import_module(f"{_ADDON}.job.overrides")
surfaces = import_module(f"{_ADDON}.job.regions.seen_surfaces")
images = import_module(f"{_ADDON}.storage.images")

FRAMES = 6
SIZE = (384, 192)
STEPS = 12
WAYS = ("independent", "still", "surfaces", "carried")


def make_scene() -> Any:
    """Return a scene with a house on a meadow before a sky, past which the camera goes."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene: Any = bpy.context.scene
    data = bpy.data.cameras.new("Camera")
    camera: Any = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    data.lens, camera.rotation_euler = 35, (1.45, 0, 0)
    for frame in range(1, FRAMES + 1):
        camera.location = (-0.6 + 0.2 * frame, -9, 2.2)
        camera.keyframe_insert("location", frame=frame)
    bpy.ops.mesh.primitive_plane_add(size=60, location=(0, 20, 0))
    meadow = bpy.context.object
    bpy.ops.mesh.primitive_cube_add(size=3, location=(0.5, 1, 1.5))
    house = bpy.context.object
    scripting.mark([meadow], prompt="a green meadow", mask_type="feather")
    scripting.mark([house], prompt="a red house", mask_type="feather")
    scene.mixdiff.background_prompt = "a blue sky"
    scene.mixdiff.num_inference_steps = STEPS
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.mixdiff.canvas_size = "render"
    return scene


def warped_difference(scene: Any, files: list[Path]) -> float:
    """Return by how many levels neighbours differ where both see the same, moved along."""
    seen = []
    for frame in range(1, FRAMES + 1):
        with overrides.overridden(scene, {"frame": frame}) as depsgraph:
            seen.append(surfaces.SeenSurfaces.of(scene, depsgraph, SIZE[1], SIZE[0]))
    differences = []
    pictures = [images.values_of_file(file) for file in files]
    for (before, was), (after, now) in pairwise(zip(seen, pictures, strict=True)):
        rows, columns, both = after.came_from(before)
        moved = surfaces.carried(was, rows, columns).astype(float)
        differences.append(np.abs(moved - now)[both].mean())
    return float(np.mean(differences))


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Return the figure and the seconds a frame of each way of holding together."""
    scene = make_scene()
    scripting.generate(scene, output=folder / "warm.png", seed=1, steps=1)  # the model is loaded
    found = {}
    for way in WAYS:
        scene.mixdiff.coherence = way if way != "independent" else "still"
        began = time.monotonic()
        if way == "independent":
            paths = [folder / f"independent/{n:04d}.png" for n in range(1, FRAMES + 1)]
            for frame, path in enumerate(paths, start=1):
                scripting.generate(scene, output=path, frame=frame, seed=100 + frame)
        else:
            shot = scripting.generate_range(
                f"1-{FRAMES}", scene, output=folder / f"{way}/####.png", seed=100
            )
            paths = [frame.file for frame in shot.frames]
        seconds = (time.monotonic() - began) / FRAMES
        found[way] = {
            "warped_difference": round(warped_difference(scene, paths), 2),
            "seconds_a_frame": round(seconds, 2),
        }
    return found


def main(folder: Path) -> None:
    """Write the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shots.json").write_text(json.dumps(measure(folder), indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[sys.argv.index("--") + 1]))
