"""Presses Generate several times, and notes how long the engine's first word takes each time.

For the part `button` of the performance benchmark.
"""

import time
from importlib import import_module
from typing import Any

import bpy
from scenes import add_camera, add_region, empty_scene

report: Any
JOBS = 6

client = import_module("bl_ext.user_default.mixdiff.backend.client")
session = import_module("bl_ext.user_default.mixdiff.backend.engine").session
heard: list[float] = []
take = session._transition


def take_and_note(state: Any, event: Any) -> Any:
    if isinstance(event, client.EngineNotification):
        heard.append(time.perf_counter())
    return take(state, event)


session._transition = take_and_note
scene = empty_scene(256, 128)
scene.mixdiff.model = "bundled"
scene.mixdiff.num_inference_steps = 1
add_camera(scene)
for across in (-0.75, 0.75):
    add_region("wall", "red brick wall", size=(2.5, 2), at=(across, 0, 0))

waits = []
for _ in range(JOBS):
    heard.clear()
    pressed = time.perf_counter()
    bpy.ops.mixdiff.generate()
    waits.append(heard[0] - pressed)
report(waits)
