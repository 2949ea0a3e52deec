"""What tests of uses share: a picture that tells where it is from, a camera, renders."""

from collections.abc import Callable
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from addon import history, png_of, view_of
from scenes import add_camera, empty_scene, render, update

WIDTH, HEIGHT = 192, 96
FILTER = 1  # levels: what a renderer makes of a picture that it samples between pixels

Shoot = Callable[[], Any]


def painted() -> Any:
    """Return a picture whose colours say where they are from, (H, W, 3)."""
    across = np.linspace(30, 230, WIDTH)[None, :].repeat(HEIGHT, axis=0)
    up = np.linspace(220, 20, HEIGHT)[:, None].repeat(WIDTH, axis=1)
    rings = 128 + 60 * np.sin(np.hypot(across - 130, up - 90) / 9)
    return np.stack([across, up, rings], axis=2).round().astype(np.uint8)


PAINTED = painted().astype(int)


def off(picture: Any) -> Any:
    """Return by how much each colour of a render differs from the picture."""
    return np.abs(picture - PAINTED)


def photographed_scene() -> Any:
    """Return a scene before a perspective camera."""
    scene = empty_scene(WIDTH, HEIGHT)
    scene.world = None
    scene.cycles.samples = 4
    camera = add_camera(scene, type="PERSP", lens=30, sensor_width=36)
    camera.location, camera.rotation_euler = (0.4, -6, 2), (radians(75), 0, radians(4))
    return scene


def shooting(scene: Any, folder: Path) -> Shoot:
    """Return what renders a scene and returns its colours, (H, W, 3)."""
    return lambda: render(scene, folder / "render.png")[..., :3]


def taking_in(scene: Any, folder: Path) -> Callable[[], None]:
    """Return what makes the picture a scene's result, as if it were painted from its camera."""

    def take() -> None:
        update()
        path = folder / "painted.png"
        path.write_bytes(png_of(PAINTED.astype(np.uint8)))
        view = view_of(scene, bpy.context.evaluated_depsgraph_get())
        history.add(scene, path, {"seed": 7}, history.JobContext(snapshot={}, view=view))

    return take
