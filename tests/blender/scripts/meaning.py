"""Two prompts side by side, painted by the bundled model, composited and rendered."""

import sys
from pathlib import Path
from typing import Any

import bpy
from scenes import add_camera, add_region, empty_scene, render

report: Any
folder = Path(sys.argv[1])
scene = empty_scene(256, 128)
scene.mixdiff.model = "bundled"
scene.mixdiff.num_inference_steps = 16
scene.mixdiff.seed = 3
add_camera(scene)
for name, prompt, across in (("left", "red brick wall", -0.75), ("right", "green grass", 0.75)):
    region = add_region(name, prompt, size=(2.5, 2), at=(across, 0, 0))
    region.mixdiff.guidance_scale = 4
bpy.ops.mixdiff.generate()
bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
render(scene, str(folder / "rendered.png"))
report(scene.mixdiff.result_seed)
