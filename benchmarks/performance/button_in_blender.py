"""Run inside a Blender: presses Generate several times, and notes when the engine is heard."""

import time
from importlib import import_module
from typing import Any

import bpy

report: Any
JOBS = 6

running = import_module("bl_ext.user_default.mixdiff.running")
news = import_module("bl_ext.user_default.mixdiff.client").News
session = running.session
heard: list[float] = []
take = session._take


def take_and_note(event: Any) -> None:
    if isinstance(event, news):
        heard.append(time.perf_counter())
    take(event)


session._take = take_and_note
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 256, 128
scene.render.resolution_percentage = 100
scene.mixdiff.num_inference_steps = 1
for across in (-1.0, 1.0):
    bpy.ops.mesh.primitive_plane_add(size=2, location=(across, 0, 0))
    plane = bpy.context.object
    plane.mixdiff.enabled = True
    plane.mixdiff.prompt = "red brick wall"
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
camera.location = (0, 0, 6)
scene.collection.objects.link(camera)
scene.camera = camera
bpy.context.view_layer.update()

waits = []
for _ in range(JOBS):
    heard.clear()
    pressed = time.perf_counter()
    bpy.ops.mixdiff.generate()
    waits.append(heard[0] - pressed)
report(waits)
