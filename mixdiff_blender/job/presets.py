"""Presets and a scene: finding one, setting what it says, making one of what is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ..contract import PRESET_SUFFIX, Preset, PresetFile, path_in, read_preset
from ..properties import CanvasSettings, RegionSettings, canvas_settings
from ..storage import folders
from ..storage.presets import known_presets
from .model_facts import model_path
from .model_settings import exact, text_regions
from .naming import find_name

_STYLE = ("prompt", "negative_prompt")
_HOW = ("scheduler", "num_inference_steps", "base_strength", "base_end")


def find_preset(preset: str | PresetFile) -> PresetFile:
    """Return a preset by its name, or from its file; // is the .blend's folder.

    Raises: EngineError of kind `name` that gives the nearest name; of kind `preset`.
    """
    if isinstance(preset, PresetFile):
        return preset
    known = known_presets().by_name
    is_path = preset.lower().endswith(PRESET_SUFFIX) or "/" in preset or os.sep in preset
    if preset not in known and is_path:
        beside_blend = preset.startswith("//")
        path = folders.absolute(preset, bpy.data.filepath) if beside_blend else None
        return read_preset(path or path_in(Path.cwd(), preset))
    return find_name("preset", preset, known).file


def use_preset(scene: bpy.types.Scene, preset: Preset) -> None:
    """Set what a preset says, as a person would; what it does not say stays as it is."""
    settings = canvas_settings(scene)
    if preset.model is not None:
        settings.model = preset.model  # first: what nobody chose follows it
    for name in (*_STYLE, *_HOW):
        value = getattr(preset, name)
        if value is not None:
            setattr(settings, name, value)
    if preset.guidance_scale is not None:
        for owner in _guided(scene):
            owner.guidance_scale = preset.guidance_scale


def is_used(scene: bpy.types.Scene, preset: Preset) -> bool:
    """Return whether a scene has all that a preset says."""
    settings = canvas_settings(scene)
    if preset.model not in (None, model_path(settings.model)):
        return False
    now = {name: exact(getattr(settings, name)) for name in (*_STYLE, *_HOW)}
    if any(getattr(preset, name) not in (None, value) for name, value in now.items()):
        return False
    guidance = preset.guidance_scale
    return guidance is None or _guidances(scene) == {guidance}


def preset_of(scene: bpy.types.Scene, name: str, *, with_model: bool) -> Preset:
    """Return a scene's style under a name; `with_model` also what makes it.

    The guidance is in it where the background and all text regions have the same.
    """
    settings = canvas_settings(scene)
    values: dict[str, Any] = {key: getattr(settings, key) for key in _STYLE}
    if with_model:
        guidances = _guidances(scene)
        values |= {key: exact(getattr(settings, key)) for key in _HOW}
        values["model"] = model_path(settings.model)
        values["guidance_scale"] = guidances.pop() if len(guidances) == 1 else None
    return Preset(name=name.strip(), **values)


@contextmanager
def used_for_now(scene: bpy.types.Scene, preset: Preset) -> Iterator[None]:
    """Have a scene look as a preset says, and give back its own settings."""
    settings = canvas_settings(scene)
    # In this order: giving back the model lets others follow it, which are given back after it.
    owners: list[tuple[Any, str]] = [
        (settings, name) for name in ("model", "settings_of", *_STYLE, *_HOW)
    ]
    owners += [(owner, "guidance_scale") for owner in _guided(scene)]
    before = [(one, key, one.is_property_set(key), getattr(one, key)) for one, key in owners]
    try:
        use_preset(scene, preset)
        yield
    finally:
        for owner, name, was_set, value in before:
            setattr(owner, name, value)
            if not was_set:
                owner.property_unset(name)


def _guided(scene: bpy.types.Scene) -> Iterator[CanvasSettings | RegionSettings]:
    yield canvas_settings(scene)
    yield from text_regions(scene)


def _guidances(scene: bpy.types.Scene) -> set[float]:
    return {exact(owner.guidance_scale) for owner in _guided(scene)}
