"""Regions' places beside what Cycles renders of the same objects, for random cameras and planes."""

import random
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.mixdiff.job.regions.entries import sources
from bl_ext.user_default.mixdiff.job.regions.places import LeftOut, Places
from scenes import add_camera, add_plane, empty_scene

report: Any
folder, cases = Path(sys.argv[1]), int(sys.argv[2])
draw = random.Random(20261124)


def spread(most: float) -> list[float]:
    return [draw.uniform(-most, most) for _ in range(3)]


def random_camera(scene: Any, camera: Any) -> None:
    data, render = camera.data, scene.render
    data.type = draw.choice(["PERSP", "PERSP", "ORTHO"])
    data.lens, data.ortho_scale = draw.uniform(18, 80), draw.uniform(3, 8)
    data.sensor_fit = draw.choice(["AUTO", "HORIZONTAL", "VERTICAL"])
    data.sensor_width, data.sensor_height = draw.uniform(20, 40), draw.uniform(15, 40)
    shift = draw.choice([0, 0.3])
    data.shift_x, data.shift_y = draw.uniform(-shift, shift), draw.uniform(-shift, shift)
    data.clip_start, data.clip_end = draw.choice([(0.1, 100), (0.1, 100), (4, 6)])
    camera.location = (draw.uniform(-1, 1), draw.uniform(-1, 1), draw.uniform(4, 7))
    camera.rotation_euler = spread(0.3)
    camera.scale = draw.choice([(1, 1, 1), (0.5, 2, 3), (-1, 1, 1)])
    render.resolution_x = draw.randint(60, 200)
    render.resolution_y = draw.randint(60, 200)
    render.resolution_percentage = draw.choice([100, 100, 67])
    render.pixel_aspect_x, render.pixel_aspect_y = draw.choice([(1, 1), (1, 1), (1.5, 1), (1, 2)])
    render.use_border = render.use_crop_to_border = draw.random() < 0.3
    render.border_min_x, render.border_max_x = draw.uniform(0, 0.3), draw.uniform(0.7, 1)
    render.border_min_y, render.border_max_y = draw.uniform(0, 0.3), draw.uniform(0.7, 1)


def random_plane(plane: Any, camera: Any) -> None:
    plane.location = spread(0.8)
    plane.rotation_euler = spread(3)
    plane.scale = [draw.choice([-1, 1]) * draw.uniform(0.3, 2) for _ in range(3)]
    # Some stand around the camera, partly behind it.
    if draw.random() < 0.2:
        plane.location, plane.scale = camera.location + plane.location / 4, (6, 6, 1)
    plane.modifiers["bend"].angle = draw.choice([0, 1.5])


def rendered_bounds(scene: Any) -> list[float] | None:
    path = folder / "mask.png"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    shown = pixels.reshape(height, width, 4)[::-1, :, 3] > 0.02
    if shown.sum() < 4:
        return None
    rows, columns = np.nonzero(shown.any(axis=1))[0], np.nonzero(shown.any(axis=0))[0]
    return [
        rows[0] / height,
        (rows[-1] + 1) / height,
        columns[0] / width,
        (columns[-1] + 1) / width,
    ]


scene = empty_scene()
scene.cycles.samples, scene.cycles.pixel_filter_type = 4, "BOX"
scene.render.film_transparent = True
scene.render.use_persistent_data = True
scene.world = None
camera = add_camera(scene)
plane = add_plane("plane", size=(1, 1))
modifier = plane.modifiers.new("cut", "SUBSURF")
modifier.subdivision_type, modifier.levels, modifier.render_levels = "SIMPLE", 4, 4
modifier = plane.modifiers.new("bend", "SIMPLE_DEFORM")
modifier.deform_method, modifier.deform_axis = "BEND", "X"
plane.mixdiff.enabled = True

told: dict[str, Any] = {"cases": [], "unseen": 0, "disagreed": []}
for number in range(cases):
    random_camera(scene, camera)
    random_plane(plane, camera)
    places = Places(scene, bpy.context.evaluated_depsgraph_get(), sources(scene))
    (source,) = sources(scene)
    found, truth = places.rectangle_of(source), rendered_bounds(scene)
    canvas = places.canvas
    if truth is None:
        told["unseen"] += 1
        bounds = places.bounds_of(source)
        thin = not isinstance(bounds, LeftOut) and min(
            (bounds.right - bounds.left) * canvas.width_px,
            (bounds.top - bounds.bottom) * canvas.height_px,
        )
        if thin and thin > 2:
            told["disagreed"].append(number)
    elif isinstance(found, LeftOut):
        told["disagreed"].append(number)
    else:
        sides = (canvas.height_px, canvas.height_px, canvas.width_px, canvas.width_px)
        wanted = [edge * side for edge, side in zip(truth, sides, strict=True)]
        got = [found.row_init, found.row_end, found.col_init, found.col_end]
        off = [abs(a - b) for a, b in zip(got, wanted, strict=True)]
        bounds = places.bounds_of(source)
        exact = [1 - bounds.top, 1 - bounds.bottom, bounds.left, bounds.right]
        told["cases"].append(
            {
                "number": number,
                "type": camera.data.type,
                "off": max(off),
                "off_before_snapping": max(
                    abs(a - b) * side for a, b, side in zip(exact, truth, sides, strict=True)
                ),
                "inner_edges": sum(bool(0 < edge < 1) for edge in truth),
            }
        )
report(told)
