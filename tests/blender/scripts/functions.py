"""What the functions for scripts return, and what they leave as it was; runs the example too."""

import runpy
import sys
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.mixdiff import scripting
from bl_ext.user_default.mixdiff.contract import EngineError
from scenes import add_camera, add_plane, empty_scene, file_of

report: Any
folder = Path(sys.argv[1])
told: dict[str, Any] = {}


def error(call: Any, *arguments: Any, **named: Any) -> list[str]:
    try:
        call(*arguments, **named)
    except EngineError as problem:
        return [problem.kind, str(problem)]
    return []


scene = empty_scene()
told["nothing"] = error(scripting.job)
add_camera(scene)
wall, road = add_plane("wall", size=(2, 2), at=(-1, 0, 0)), add_plane("road")
lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT"))
scripting.mark([wall], prompt="bricks", mask_type="quartic")
scripting.mark([road], prompt="stones", mask_weight=0.5)
told["wrong"] = {
    "setting": error(scripting.mark, [wall], promt="x"),
    "lamp": error(scripting.mark, [lamp]),
    "scene": error(scripting.job, "Scen"),
    "camera": error(scripting.job, camera="camera"),
    "steps": error(scripting.job, steps=0),
    "generate": error(scripting.generate, steps=0),
}
road.mixdiff.enabled = False
told["regions"] = [
    [r.name, r.type, r.enabled, r.prompt, r.weight, [list(p) for p in r.rectangles]]
    for r in scripting.regions()
]
road.mixdiff.enabled = True
job = scripting.job()
told["order"] = [region["prompt"] for region in job["regions"]]

# Overrides hold for one call.
other = add_camera(scene)
other.name, other.location.x, scene.camera = "Other", 1, bpy.data.objects["Camera"]
wall.keyframe_insert("location", frame=1)
wall.location.x = 1
wall.keyframe_insert("location", frame=11)
scene.frame_set(1)


def left_of_wall(**overrides: Any) -> list[int]:
    first = scripting.regions(**overrides)[0].rectangles[0]
    return list(first)


told["overrides"] = {
    "none": left_of_wall(),
    "camera": left_of_wall(camera="Other"),
    "frame": left_of_wall(frame=11),
    "size": left_of_wall(size=(256, 128)),
    "job": {k: scripting.job(seed=3, steps=9)[k] for k in ("seed", "num_inference_steps")},
}
told["after"] = [
    scene.camera.name,
    scene.frame_current,
    scene.render.resolution_x,
    scene.mixdiff.num_inference_steps,
]

# A scene that is not the one worked on.
second = bpy.data.scenes.new("Second")
second.render.resolution_x, second.render.resolution_y = 64, 64
second.collection.objects.link(road)
second.collection.objects.link(other)
second.camera = other
told["second"] = [
    scripting.job("Second")["canvas_width"],
    [region.name for region in scripting.regions("Second")],
]
bpy.data.scenes.remove(second)

scripting.unmark([road])
told["unmarked"] = [region.name for region in scripting.regions()]
told["problems"] = scripting.problems()
wall.location.x = 50
wall.animation_data_clear()
told["unseen"] = scripting.regions()[0].problems

namespace = runpy.run_path(sys.argv[2])
namespace["main"](folder)
told["files"] = sorted(path.name for path in folder.glob("*.*"))
told["picture"] = [list(scene.size) for scene in [bpy.context.scene.mixdiff.result]]
told["file"] = file_of(bpy.context.scene.mixdiff.result)
report(told)
