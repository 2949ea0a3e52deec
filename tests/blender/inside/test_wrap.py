"""Pictures that repeat: regions over the canvas's edges, and results as tiles."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import INSIDE, Canvas, EngineError, Grip, Rectangle, dragged, scripting
from scenes import add_plane, place, render, select, update

HOSTS = "oldest and newest"

TILE = Canvas(height_px=64, width_px=128, grid_px=8, wrap="both")


def dragged_to(grip: Grip, rows: int, columns: int) -> tuple[int, ...]:
    region = Rectangle(row_init=8, row_end=40, col_init=16, col_end=80)
    return dragged(region, grip, rows, columns, TILE, snaps=False).bounds


def test_one_that_is_dragged_over_an_edge_comes_in_at_the_opposite_one() -> None:
    assert dragged_to(INSIDE, 40, 100) == (48, 80, 116, 180)
    assert dragged_to(INSIDE, -24, -40) == (48, 80, 104, 168)
    assert dragged_to(Grip(row=0, column=1), 0, 90) == (8, 40, 16, 144)
    assert dragged_to(Grip(row=-1, column=0), -90, 0) == (-24, 40, 16, 80)


@pytest.mark.usefixtures("camera")
def test_a_rectangle_over_an_edge_is_a_region_over_it(scene: Any) -> None:
    bpy.ops.mixdiff.draw_region(row_init=8, row_end=40, col_init=16, col_end=80)
    bpy.context.object.mixdiff.prompt = "a boat"
    over = {"row_init": 40, "row_end": 72, "col_init": 96, "col_end": 160}
    for wrap, expected in (
        ("none", [40, 64, 96, 128]),
        ("x", [40, 64, 96, 160]),
        ("both", [40, 72, 96, 160]),
    ):
        scene.mixdiff.wrap = "both"
        bpy.ops.mixdiff.place_region(**over)
        scene.mixdiff.wrap = wrap
        update()
        job = scripting.job()
        assert job["wrap"] == wrap
        assert place(job["regions"][0]) == expected
    scene.mixdiff.wrap = "none"
    job = scripting.job(wrap="x")
    assert (job["wrap"], place(job["regions"][0])) == ("x", [40, 64, 96, 160])
    assert scene.mixdiff.wrap == "none"
    with pytest.raises(EngineError, match=r"sideways.*both"):
        scripting.job(wrap="sideways")


def test_a_picture_as_tiles_repeats_on_what_shows_it(
    scene: Any, camera: Any, tmp_path: Path
) -> None:
    scene.render.resolution_x = scene.render.resolution_y = 96
    scene.cycles.pixel_filter_type = "BOX"
    camera.data.ortho_scale = 2
    tile = np.random.default_rng(0).integers(0, 2, (4, 4, 1)).repeat(4, axis=2).astype(np.float32)
    tile[..., 3] = 1
    image = bpy.data.images.new("tile", 4, 4)
    image.pixels.foreach_set(tile[::-1].ravel())
    image.pack()
    scene.mixdiff.result = image
    select(add_plane("wall", size=(2, 2)))
    for _ in range(2):
        bpy.ops.mixdiff.use_as_texture(tiling="TILES")
        bpy.ops.mixdiff.use_as_texture(tiling="ONCE")
    assert len(bpy.data.materials) == 2
    shown = {}
    for tiling in ("ONCE", "TILES"):
        bpy.ops.mixdiff.use_as_texture(tiling=tiling)
        material = bpy.context.object.active_material
        node = next(n for n in material.node_tree.nodes if n.type == "TEX_IMAGE")
        node.interpolation = "Closest"
        shown[tiling] = render(scene, tmp_path / f"{tiling}.png")[..., 0]
    once = (tile[..., 0] * 255).astype(int)
    assert np.abs(shown["ONCE"] - once.repeat(24, 0).repeat(24, 1)).mean() < 4
    tiles = np.tile(once, (3, 3)).repeat(8, 0).repeat(8, 1)
    assert np.abs(shown["TILES"] - tiles).mean() < 8
    bpy.ops.mixdiff.take_off(use="mixdiff.use_as_texture")
    assert bpy.context.object.active_material is None
