"""What stands in the list of regions after each thing that a person may do."""

import sys
import time
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from bl_ext.user_default.mixdiff.job.regions import handlers
from bl_ext.user_default.mixdiff.job.regions.entries import entries, name_of, settings_of, sync
from scenes import add_camera, add_plane, add_region, empty_scene

report: Any
folder = Path(sys.argv[1])
told: dict[str, Any] = {}


def updated() -> None:
    bpy.context.view_layer.update()


def names(of: Any = None) -> list[str]:
    return [name_of(entry) for entry in entries(of or bpy.context.scene)]


def prompts() -> list[str]:
    job = job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())
    return [region["prompt"] for region in job.document["regions"]]


def with_mesh(name: str) -> Any:
    made = bpy.data.objects.new(name, bpy.data.objects["zebra"].data)
    bpy.context.scene.collection.objects.link(made)
    return made


# Objects that only a script has marked: listed by an update, and in the job without one.
scene = empty_scene()
add_camera(scene)
add_region("zebra", "z")
add_region("ape", "a")
updated()
told["listed"] = names()
handlers.unregister()
for name in ("mouse", "cat"):
    made = with_mesh(name)
    made.mixdiff.enabled, made.mixdiff.prompt = True, name
updated()
told["unlisted"], told["unlisted_prompts"] = names(), prompts()
handlers.register()
bpy.data.objects["cat"].location.x = 1
updated()
told["listed_later"] = names()

# The list's order is the job's; a region that is switched off stays listed.
scene.mixdiff.regions.move(3, 0)
bpy.data.objects["ape"].mixdiff.enabled = False
updated()
told["moved"], told["moved_prompts"] = names(), prompts()

# Copies are regions of their own, with their own settings; deleted ones are dropped.
bpy.ops.object.select_all(action="DESELECT")
bpy.data.objects["zebra"].select_set(True)
bpy.context.view_layer.objects.active = bpy.data.objects["zebra"]
bpy.ops.object.duplicate(linked=True)
bpy.data.objects["zebra.001"].mixdiff.prompt = "copy"
updated()
told["duplicated"], told["duplicated_prompts"] = names(), prompts()
bpy.ops.object.delete()
updated()
told["deleted"] = names()
told["entries"] = len(scene.mixdiff.regions)

# Choosing an entry selects its object, and the reverse.
scene.mixdiff.active_region = 0
told["selected"] = [item.name for item in bpy.context.selected_objects]
bpy.context.view_layer.objects.active = bpy.data.objects["ape"]
updated()
told["active"] = scene.mixdiff.active_region
bpy.context.view_layer.objects.active = scene.camera
told["active_is_camera"] = scene.mixdiff.active_region

# Saved and opened again; appended and linked into another file.
blend = str(folder / "regions.blend")
bpy.ops.wm.save_as_mainfile(filepath=blend)
bpy.ops.wm.open_mainfile(filepath=blend)
told["reopened"] = names()
scene = empty_scene()
add_camera(scene)
updated()
bpy.ops.wm.append(filename="cat", directory=f"{blend}/Object/")
updated()
told["appended"], told["appended_prompts"] = names(), prompts()
bpy.ops.wm.link(filename="ape", directory=f"{blend}/Object/")
bpy.ops.wm.link(filename="mouse", directory=f"{blend}/Object/")
updated()
told["linked"], told["linked_prompts"] = names(), prompts()

# Two scenes have a list each.
other = bpy.data.scenes.new("Other")
other.collection.objects.link(bpy.data.objects["cat"])
sync(other)
told["other"], told["first"] = names(other), names(scene)

# Settings live on the object.
told["settings"] = settings_of(entries(scene)[0]) == entries(scene)[0].object.mixdiff

# An update in which nothing changed costs nothing that is felt.
for number in range(200):
    made = bpy.data.objects.new(f"many {number}", bpy.data.objects["cat"].data)
    scene.collection.objects.link(made)
    made.mixdiff.enabled = True
updated()
told["many"] = len(names())
depsgraph = bpy.context.evaluated_depsgraph_get()
took = []
for _ in range(20):
    start = time.perf_counter()
    handlers._after_update(scene, depsgraph)
    took.append(time.perf_counter() - start)
told["handler_s"] = sorted(took)[10]

# Undo.
scene = empty_scene()
add_camera(scene)
plane = add_plane("plane")
bpy.ops.ed.undo_push(message="a plane")
bpy.ops.mixdiff.mark_regions("EXEC_DEFAULT", True)
told["marked"] = names()
bpy.ops.ed.undo()
told["undone"] = names()
bpy.ops.ed.redo()
told["redone"] = names()

report(told)
