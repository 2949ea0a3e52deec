"""Fixtures of the tests inside a Blender: scenes to begin with, and an engine left at rest."""

from collections.abc import Iterator
from typing import Any

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
def street() -> Any:
    """A scene with two overlapping regions that cover the canvas."""
    return scenes.street()


@pytest.fixture(autouse=True)
def _jobs_end() -> Iterator[None]:
    yield
    while queue.is_busy:
        queue.cancel()
        wait()
