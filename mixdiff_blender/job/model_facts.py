"""What suits a scene's model: the grid that its picture lies on, the largest region, its family."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path

import bpy

from ..contract import ModelFacts, Problem, facts_of, model_problems
from ..properties import canvas_settings
from ..storage import folders

_LOOK_EVERY_S = 2.0
"""Files that are looked into may change; drawing must not look at each redraw."""


def model_facts(scene: bpy.types.Scene) -> ModelFacts:
    """Return what is known of the model that a scene names."""
    return facts_of_model(canvas_settings(scene).model)


def facts_of_model(name: str) -> ModelFacts:
    """Return what is known of a model by the name that a scene gives it."""
    return _facts_at(time.monotonic() // _LOOK_EVERY_S, model_path(name) or "")


@lru_cache(maxsize=16)
def _facts_at(moment: float, path: str) -> ModelFacts:
    return facts_of(path)


def problems_of_model(name: str) -> tuple[Problem, ...]:
    """Return what is wrong with a model that lies on this computer; it may be elsewhere too."""
    path = model_path(name)
    # What was wrong a moment ago may be mended.
    return _problems_at(time.monotonic() // _LOOK_EVERY_S, path) and _problems(path)


@lru_cache(maxsize=16)
def _problems_at(moment: float, path: str | None) -> tuple[Problem, ...]:
    return _problems(path)


def _problems(path: str | None) -> tuple[Problem, ...]:
    return model_problems(path, Path(), absent=False)


def model_path(name: str) -> str | None:
    """Return a model's name as a job gives it; // is the .blend's folder."""
    name = name.strip()
    if name.startswith("//"):
        return str(folders.absolute(name, bpy.data.filepath))
    return name or None
