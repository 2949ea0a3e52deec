"""What is projected, baked to pictures of UV maps: renders show the same as before."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import history, png, png_of, view_of
from scenes import empty_scene, in_blender, render, select, update

HOSTS = "oldest and newest"

Look = Callable[[str], Any]


def add_eye(name: str, at: Any) -> Any:
    """Return a camera that looks at the middle."""
    data = bpy.data.cameras.new(name)
    data.lens = 35
    eye = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(eye)
    eye.location = at
    eye.rotation_euler = (-eye.location).to_track_quat("-Z", "Y").to_euler()
    return eye


def picture(height: int, width: int, red: int) -> Any:
    """Return a picture whose colours change evenly, with stripes."""
    rows, columns = np.mgrid[:height, :width]
    waves = 90 + 60 * np.sin(rows / 14) + 60 * np.cos(columns / 17)
    levels = np.stack([np.full_like(waves, red), waves, 255 - columns * 255 / width], axis=-1)
    return levels.astype(np.uint8)


def paint(levels: Any, folder: Path) -> None:
    """Take in a picture as if it were made from the scene's camera."""
    scene = bpy.context.scene
    path = folder / f"{len(scene.mixdiff.history)}.png"
    notes = {"mixdiff-job": {"seed": len(scene.mixdiff.history)}}
    height, width, _ = levels.shape
    path.write_bytes(png.encode_png((width, height), levels.tobytes(), notes=notes))
    update()
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    history.add(scene, path, {"seed": 7}, history.JobContext(snapshot={}, view=view))


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    """A wall, before it a box and a smooth ball, and two cameras."""
    scene = empty_scene()
    scene.render.resolution_x, scene.render.resolution_y = 192, 128
    scene.cycles.samples = 16
    scene.mixdiff.output_folder = str(tmp_path / "out")
    bpy.ops.mesh.primitive_plane_add(size=12, rotation=(math.pi / 2, 0, 0), location=(0, 2, 0))
    bpy.context.object.name = "wall"
    bpy.ops.mesh.primitive_cube_add(size=1.6, location=(-1.2, 0, 0), rotation=(0.2, 0.1, 0.5))
    bpy.context.object.name = "box"
    bpy.context.object.data.uv_layers.remove(bpy.context.object.data.uv_layers[0])
    bpy.ops.mesh.primitive_uv_sphere_add(segments=24, ring_count=12, location=(1.3, 0, 0))
    bpy.context.object.name = "ball"
    bpy.ops.object.shade_smooth()
    add_eye("front", (0, -8, 1))
    add_eye("aside", (5, -6, 2))
    scene.camera = bpy.data.objects["front"]
    update()
    return scene


@pytest.fixture
def look(stage: Any, tmp_path: Path) -> Look:
    """Renders from a camera."""

    def render_from(name: str) -> Any:
        stage.camera = bpy.data.objects[name]
        update()
        return render(stage, tmp_path / f"{name}.png")[..., :3].astype(int)

    return render_from


def project_from(name: str, levels: Any, folder: Path, **how: Any) -> None:
    scene = bpy.context.scene
    scene.camera = bpy.data.objects[name]
    paint(levels, folder)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.mixdiff.project(onto="ALL", **how)


def test_the_bake_shows_what_the_projection_shows(
    stage: Any, look: Look, tmp_path: Path
) -> None:
    project_from("front", picture(256, 384, 255), tmp_path)
    project_from("aside", picture(256, 384, 0), tmp_path)
    before = {name: look(name) for name in ("front", "aside")}
    bpy.ops.mixdiff.bake_projection(size=1024, put_on=True)
    for name, shown in before.items():
        difference = np.abs(look(name) - shown).max(axis=-1)
        print(name, difference.mean(), [(difference > n).mean() for n in (2, 4, 8, 16, 40)])
        np.save(f"/tmp/h/{name}.npy", np.stack([shown, look(name)]))
    for p in (tmp_path / "out").glob("*"):
        import shutil; shutil.copy(p, "/tmp/h/")
    assert 0
