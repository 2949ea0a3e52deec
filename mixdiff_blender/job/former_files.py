"""Files of earlier versions keep the defaults that they were made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from ..contract import OVERLAPPING, PLAIN
from ..properties import MASK_PICTURE, RENDER_SIZE, canvas_settings
from .prompts import PLACEHOLDER, escaped
from .regions.entries import sources

_VERSION = 4
"""Counts the versions whose defaults differ: 0.1.0 noted none."""
_REGIONS_SINCE = 2

_CANVAS = {
    2: {
        **{"canvas_size": RENDER_SIZE, "num_inference_steps": 50, "guidance_scale": 7.5},
        "nearer_first": False,  # whose weights were set by hand to say so
    },
    3: {"prompt_syntax": PLAIN},
    4: {"windows": OVERLAPPING},
}
"""What was the canvas's default before each version."""
_REGION = {"guidance_scale": 8.0}


def _after_load(*_: Any) -> None:
    for scene in bpy.data.scenes:
        settings = canvas_settings(scene)
        is_used = len(settings.regions) or len(settings.history)
        if scene.library is None and is_used and settings.defaults_version < _VERSION:
            for version, values in _CANVAS.items():
                if settings.defaults_version < version:
                    _set_unset(settings, values)
            if settings.defaults_version < _REGIONS_SINCE:
                _keep_regions(scene)
                _keep_braces(settings, PLACEHOLDER)
            settings.defaults_version = _VERSION


def _keep_regions(scene: bpy.types.Scene) -> None:
    for source in sources(scene):
        if source.settings.id_data.library is None:
            _set_unset(source.settings, _REGION)
            if source.settings.mask is not None:
                _set_unset(source.settings, {"shape": MASK_PICTURE})
            _keep_braces(source.settings)


def _before_save(*_: Any) -> None:
    for scene in bpy.data.scenes:
        if scene.library is None:
            canvas_settings(scene).defaults_version = _VERSION


def _keep_braces(settings: Any, field: str = "") -> None:
    """Have braces mean themselves, as they did before prompts took words from the scene."""
    for name in ("prompt", "negative_prompt"):
        text = getattr(settings, name)
        if "{" in text or "}" in text:
            setattr(settings, name, escaped(text, keeping=field if name == "prompt" else ""))


def _set_unset(settings: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if not settings.is_property_set(name):
            setattr(settings, name, value)


HANDLERS = {"load_post": _after_load, "save_pre": _before_save}
