"""Fixtures of the tests inside a Blender: scenes to begin with, and an engine left at rest."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
import scenes
from addon import queue, wait


@pytest.fixture
def scene() -> Any:
    """An empty file's scene."""
    return scenes.empty_scene()


@pytest.fixture
def camera(scene: Any) -> Any:
    """The scene's camera, orthographic: 4 × 2 units on 128 × 64 pixels, 32 pixels a unit."""
    return scenes.add_camera(scene)


@pytest.fixture
def moving(camera: Any, scene: Any, tmp_path: Path) -> Any:
    """A saved scene whose region moves from the left to the right in five frames."""
    region = scenes.add_region("house", "a house", size=(2, 2), at=(-1, 0, 0))
    region.keyframe_insert("location", frame=1)
    region.location.x = 1
    region.keyframe_insert("location", frame=5)
    scene.mixdiff.background, scene.mixdiff.prompt = True, "ink"
    scene.mixdiff.num_inference_steps = 1
    scene.frame_set(1)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    return region


@pytest.fixture
def street() -> Any:
    """A scene with two overlapping regions that cover the canvas."""
    return scenes.street()


@pytest.fixture
def rendered(scene: Any, camera: Any, tmp_path: Path) -> Callable[[], list[int]]:
    """Renders, and returns the rows and columns between which something is."""
    scene.cycles.samples, scene.cycles.pixel_filter_type = 4, "BOX"
    scene.render.film_transparent = True

    def look() -> list[int]:
        shown = scenes.render(scene, tmp_path / "seen.png")[..., 3] > 127
        rows, columns = np.nonzero(shown.any(axis=1))[0], np.nonzero(shown.any(axis=0))[0]
        return [int(n) for n in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)]

    return look


@pytest.fixture(autouse=True)
def _jobs_end() -> Iterator[None]:
    yield
    while queue.is_busy:
        queue.cancel()
        wait()
