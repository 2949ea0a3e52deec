"""The overlay's arithmetic, the list's operators, and how long the add-on holds the main thread."""

import base64
import sys
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.mixdiff.backend import engine, live_preview
from bl_ext.user_default.mixdiff.backend.session import Generating, Job, Stopped
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from bl_ext.user_default.mixdiff.job.regions.entries import entries, name_of, sync
from bl_ext.user_default.mixdiff.ui import job_cache
from bl_ext.user_default.mixdiff.ui.overlay.falloff import profile
from bl_ext.user_default.mixdiff.ui.overlay.frame import Frame
from bl_ext.user_default.mixdiff.ui.overlay.places import places_of, whole_places
from bl_ext.user_default.mixdiff.ui.overlay.shapes import Sheet, draw_places

sys.path.insert(0, str(Path(__file__).parent))
from scenes import add_camera, add_region, empty_scene, street

report: Any
told: dict[str, Any] = {}


def job() -> Any:
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


# What is drawn is what is sent.
scene = street()
bpy.data.objects["right"].mixdiff.mask_weight = 0.5
reroll = add_region("reroll", size=(1, 1))
reroll.mixdiff.type = "reroll"
places = places_of(job())
told["places"] = [
    [p.name, p.label, p.left, p.right, p.bottom, p.top, p.mask_type, p.weight] for p in places
]
told["colours"] = len({place.colour for place in places})
frame = Frame(left=100, bottom=50, width=400, height=200)
sheet = Sheet()
draw_places(sheet, places, frame, "left")
triangles = sheet.triangles()
points, colours = triangles.points, triangles.colours
told["corners"] = [int(triangles.corners.min()), int(triangles.corners.max()), len(points)]
told["box"] = [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
blue = (colours[:, :3] == np.float32(places[0].colour)).all(axis=1)
tints = blue & (colours[:, 3] < 0.99)
strongest = points[tints][colours[tints][:, 3].argmax()]
told["strongest"] = strongest.tolist()
told["nothing"] = Sheet().triangles() is None
told["profiles"] = {
    kind: profile(kind, (np.arange(10) - 4.5) / 10).tolist() for kind in ("gaussian", "constant")
}
told["quartic"] = profile("quartic", np.linspace(-0.5, 0.5, 10)).tolist()

# Regions of several tiles have one outline.
scene.mixdiff.tile_size = 64
tiles = places_of(job())
told["tiles"] = [len(tiles), [[p.name, p.left, p.right] for p in whole_places(tiles)][:2]]

# The list's operators.
scene = empty_scene()
add_camera(scene)
for name in ("one", "two", "three"):
    add_region(name, f"prompt of {name}")
sync(scene)


def names() -> list[str]:
    return [name_of(entry) for entry in entries(scene)]


def choose(name: str) -> None:
    scene.mixdiff.active_region = names().index(name)


told["list"] = {"first": names()}
choose("three")
bpy.ops.mixdiff.move_region(direction="UP")
told["list"]["moved"] = [names(), scene.mixdiff.active_region]
choose(names()[0])
told["list"]["stays"] = list(bpy.ops.mixdiff.move_region(direction="UP"))
choose("two")
bpy.ops.mixdiff.duplicate_region()
copy = bpy.data.objects["two.001"]
told["list"]["copied"] = [names(), copy.mixdiff.prompt, copy.data != bpy.data.objects["two"].data]
told["list"]["copy_is_chosen"] = bpy.context.view_layer.objects.active == copy
bpy.ops.mixdiff.remove_region()
told["list"]["removed"] = [names(), "two.001" in bpy.data.objects, copy.mixdiff.enabled]
bpy.ops.object.select_all(action="DESELECT")
choose("one")
bpy.data.objects["one"].select_set(False)
bpy.ops.mixdiff.select_region()
told["list"]["selected"] = [item.name for item in bpy.context.selected_objects]
while names():
    scene.mixdiff.active_region = 0
    bpy.ops.mixdiff.remove_region()
told["list"]["poll"] = bpy.ops.mixdiff.remove_region.poll()

# A scene is read again only after what matters to its job has changed.
scene = street()
key = scene.session_uid
cube = bpy.data.objects.new("no region", None)
scene.collection.objects.link(cube)
layer = bpy.context.view_layer
layer.update()
job_cache._cached[key] = job_cache._look_at(scene.name, layer.name)


def is_read_again(change: Any) -> bool:
    job_cache.cached_job(scene, layer)
    job_cache._stale.clear()
    job_cache._wanted.clear()
    change()
    layer.update()
    job_cache.cached_job(scene, layer)
    return key in job_cache._wanted


told["read_again"] = {
    "other": is_read_again(lambda: setattr(cube, "location", (1, 0, 0))),
    "region": is_read_again(lambda: setattr(bpy.data.objects["left"], "location", (1, 0, 0))),
    "camera": is_read_again(lambda: setattr(scene.camera, "location", (0, 0, 9))),
    "prompt": is_read_again(lambda: setattr(bpy.data.objects["left"].mixdiff, "prompt", "x")),
    "switched_off": is_read_again(
        lambda: setattr(bpy.data.objects["left"].mixdiff, "enabled", False)
    ),
}
job_cache._after_load()

# Previews: small pictures come and go, and leave nothing in the file.
rows = np.zeros((32, 64, 4), dtype=np.float32)
rows[..., 0], rows[..., 3] = np.linspace(0, 1, 64), 1
image = bpy.data.images.new("gradient", 64, 32)
image.pixels.foreach_set(rows.ravel())
image.filepath_raw, image.file_format = str(Path(sys.argv[1]) / "gradient.png"), "PNG"
image.save()
sent = base64.b64encode(Path(image.filepath_raw).read_bytes()).decode()
before = sorted(item.name for item in bpy.data.images)
job_of_preview, next_job = (Job(request=None, on_end=lambda _: None) for _ in range(2))
live_preview.show(job_of_preview, sent)
shown = live_preview.of(job_of_preview)
told["preview"] = {
    "shape": list(shown.pixels.shape),
    "worst": float(np.abs(shown.pixels - rows).max()),
    "images": sorted(item.name for item in bpy.data.images) == before,
}
told["preview"]["next_job"] = live_preview.of(next_job) is None
live_preview.show(job_of_preview, "bm90IGEgcGljdHVyZQ==")
told["preview"]["garbage"] = live_preview.of(job_of_preview) is None

# One tick that takes in all that an engine may tell between two of them.
events = [("progress", {"step": n, "steps": 50, "remaining_s": 5.0}) for n in range(50)]
events += [("preview", {"step": 50, "image": sent})] * 5


class FakeClient:
    """Answers as an engine in the middle of a job."""

    is_running, pid = True, 0

    def __init__(self) -> None:
        from queue import SimpleQueue

        self.events: Any = SimpleQueue()


from bl_ext.user_default.mixdiff.backend.client import EngineNotification  # noqa: E402

client = FakeClient()
engine.pump.on_change.append(live_preview.refresh)
engine.session.state = Generating(client=client, request_id=7, job=next_job)
ticks_ms = []
for _ in range(20):
    for method, params in events:
        client.events.put(EngineNotification(id=7, method=method, params=params))
    start_s = time.thread_time()
    engine._tick()
    ticks_ms.append((time.thread_time() - start_s) * 1000)
told["tick"] = {
    "median_ms": sorted(ticks_ms)[10],
    "most_ms": max(ticks_ms),
    "step": engine.session.state.progress.step,
    "has_preview": live_preview.of(next_job) is not None,
}
engine.session.state = Stopped()
engine.pump.run()
told["tick"]["is_gone"] = live_preview.of(next_job) is None
engine.pump.on_change.clear()

# Reading and preparing twenty regions.
scene = empty_scene()
add_camera(scene)
for number in range(20):
    at = (number % 5 * 0.7 - 1.4, number // 5 * 0.4 - 0.6, 0)
    add_region(f"region {number}", "x", size=(1, 0.6), at=at)
bpy.context.view_layer.update()
read_ms, draw_ms = [], []
for _ in range(20):
    start_s = time.thread_time()
    places = places_of(job())
    middle_s = time.thread_time()
    sheet = Sheet()
    draw_places(sheet, places, frame, "region 3")
    sheet.triangles()
    read_ms.append((middle_s - start_s) * 1000)
    draw_ms.append((time.thread_time() - middle_s) * 1000)
look_ms = []
for _ in range(20):
    start_s = time.thread_time()
    job_cache.cached_job(scene, bpy.context.view_layer)
    look_ms.append((time.thread_time() - start_s) * 1000)
told["twenty"] = {
    "look_ms": sorted(look_ms)[10],
    "read_ms": sorted(read_ms)[10],
    "draw_ms": sorted(draw_ms)[10],
}
report(told)
