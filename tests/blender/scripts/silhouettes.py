"""Has many objects' silhouettes read, and notes how long that takes, by the clock.

For the part `silhouettes` of the performance benchmark.
"""

import time
from importlib import import_module
from random import Random
from typing import Any

import bpy
from scenes import add_camera, empty_scene, update

report: Any
OBJECTS, SEGMENTS, RINGS = 200, 100, 51  # of 5,000 faces each

scripting = import_module("bl_ext.user_default.mixdiff.scripting")
scene = empty_scene(640, 360)
camera = add_camera(scene)
draw = Random(1)
for number in range(OBJECTS):
    bpy.ops.mesh.primitive_uv_sphere_add(
        segments=SEGMENTS,
        ring_count=RINGS,
        radius=draw.uniform(0.02, 0.1),
        location=(draw.uniform(-1.8, 1.8), draw.uniform(-1.0, 1.0), draw.uniform(-1, 1)),
    )
    sphere: Any = bpy.context.object
    sphere.name = f"ball {number}"
    sphere.mixdiff.enabled, sphere.mixdiff.shape = True, "silhouette"
    sphere.mixdiff.prompt = "ball"
faces = sum(len(obj.data.polygons) for obj in scene.objects if obj.type == "MESH")


def read() -> float:
    update()
    start = time.perf_counter()
    regions = scripting.regions(scene)
    assert len(regions) == OBJECTS
    return time.perf_counter() - start


first = read()
moved = []
for step in range(5):
    camera.location.x = 0.01 * step
    moved.append(read())
one = []
for _ in range(5):
    bpy.data.objects["ball 7"].location.z += 0.01
    one.append(read())
report({"faces": faces, "first": first, "camera": moved, "object": one})
