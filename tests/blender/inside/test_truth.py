"""Regions' places beside what Cycles renders of the same objects, for random cameras and planes."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import LeftOut, RegionBounds, canvas_of, on_canvas, sources
from scenes import add_camera, add_plane, empty_scene, render

HOSTS = "oldest and newest"

CASES = 50
CELL_PX = 8
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


def rendered_bounds(scene: Any, path: Path) -> list[float] | None:
    """Return the shares of the frame that a render covers: top, bottom, left, right."""
    shown = render(scene, path)[..., 3] > 0.02 * 255
    if shown.sum() < 4:
        return None
    height, width = shown.shape
    rows, columns = np.nonzero(shown.any(axis=1))[0], np.nonzero(shown.any(axis=0))[0]
    top, bottom = rows[0] / height, (rows[-1] + 1) / height
    return [top, bottom, columns[0] / width, (columns[-1] + 1) / width]


@dataclass
class Compared:
    """How far the rectangles of those that both see are off, in pixels; and what only one sees."""

    off: list[float] = field(default_factory=list)
    off_before_snapping: list[float] = field(default_factory=list)
    types: set[str] = field(default_factory=set)
    inner_edges: int = 0
    unseen: int = 0
    disagreed: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    path = tmp_path_factory.mktemp("truth") / "mask.png"
    scene = empty_scene()
    scene.cycles.samples, scene.cycles.pixel_filter_type = 4, "BOX"
    scene.render.film_transparent = True
    scene.render.use_persistent_data = True
    scene.world = None
    camera = add_camera(scene)
    plane = add_plane("plane", size=(1, 1))
    cut = plane.modifiers.new("cut", "SUBSURF")
    cut.subdivision_type, cut.levels, cut.render_levels = "SIMPLE", 4, 4
    bend = plane.modifiers.new("bend", "SIMPLE_DEFORM")
    bend.deform_method, bend.deform_axis = "BEND", "X"
    plane.mixdiff.enabled = True
    found = Compared()
    for number in range(CASES):
        random_camera(scene, camera)
        random_plane(plane, camera)
        (source,) = sources(scene)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        places = RegionBounds(scene, depsgraph, [source], canvas_of(scene))
        bounds, canvas = places.bounds_of(source), places.canvas
        rectangle = bounds if isinstance(bounds, LeftOut) else on_canvas(bounds, canvas)
        truth = rendered_bounds(scene, path)
        if truth is None:
            found.unseen += 1
            if not isinstance(bounds, LeftOut):
                width_px = (bounds.right - bounds.left) * canvas.width_px
                height_px = (bounds.top - bounds.bottom) * canvas.height_px
                if min(width_px, height_px) > 2:
                    found.disagreed.append(number)
        elif isinstance(rectangle, LeftOut):
            found.disagreed.append(number)
        else:
            sides = [canvas.height_px] * 2 + [canvas.width_px] * 2
            wanted = np.multiply(truth, sides)
            got = [rectangle.row_init, rectangle.row_end, rectangle.col_init, rectangle.col_end]
            exact = [1 - bounds.top, 1 - bounds.bottom, bounds.left, bounds.right]
            found.off.append(np.abs(got - wanted).max())
            found.off_before_snapping.append(np.abs(np.multiply(exact, sides) - wanted).max())
            found.types.add(camera.data.type)
            found.inner_edges += sum(0 < edge < 1 for edge in truth)
    return found


def test_a_regions_place_is_that_of_its_rendered_mask_to_one_stride(compared: Compared) -> None:
    assert len(compared.off) > CASES / 2
    assert compared.inner_edges > CASES / 2
    assert compared.types == {"PERSP", "ORTHO"}
    assert max(compared.off) <= CELL_PX


def test_before_it_is_put_on_the_grid_a_place_is_true_to_a_pixel_or_two(compared: Compared) -> None:
    off = sorted(compared.off_before_snapping)
    assert off[len(off) // 2] < 1
    assert off[len(off) * 8 // 10] < 2  # the rest are tips of slivers, which a render misses


def test_a_region_is_left_out_where_no_render_shows_it(compared: Compared) -> None:
    assert compared.unseen > 0
    assert compared.disagreed == []
