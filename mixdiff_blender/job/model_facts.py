"""What suits a scene's model: the grid that its picture lies on, the largest region, its family."""

from __future__ import annotations

import time

import bpy

from ..contract import ModelFacts, facts_of
from ..properties import canvas_settings

_KEPT_S = 2.0
"""Files that are looked into may change; drawing must not look at each redraw."""
_kept: dict[str, tuple[float, ModelFacts]] = {}


def model_facts(scene: bpy.types.Scene) -> ModelFacts:
    """Return what is known of the model that a scene names."""
    return facts_of_model(canvas_settings(scene).model)


def facts_of_model(name: str) -> ModelFacts:
    """Return what is known of a model by the name that a scene gives it."""
    path = model_path(name) or ""
    now = time.monotonic()
    looked_at, facts = _kept.get(path, (0.0, None))
    if facts is None or now - looked_at > _KEPT_S:
        facts = facts_of(path)
        _kept[path] = (now, facts)
    return facts


def model_path(name: str) -> str | None:
    """Return a model's name as a job gives it; // is the .blend's folder."""
    name = name.strip()
    return bpy.path.abspath(name) if name.startswith("//") else name or None
