"""A scene's settings at the time of a result, and their way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import bpy

from ..contract import (
    BUNDLED_MODEL,
    OVERLAPPING,
    PLAIN,
    Image2ImageRegion,
    Job,
    RerollRegion,
    is_there,
    path_in,
    whole_steps,
)
from ..job.regions.background import BACKGROUND_ID
from ..job.regions.entries import sources
from ..properties import (
    LISTS,
    LOOK_AROUND,
    LOOK_FRAME,
    SCHEDULER_OF_MODEL,
    CanvasSettings,
    canvas_settings,
    region_settings,
)

_NOT_OF_THE_PICTURE = frozenset(
    {
        *("rna_type", "name", "uid", "result", "show_result", "output_folder"),
        *("again_strength", "enlarge_strength"),
    }
)
_OF_ITS_OWN = frozenset(
    {"model", "scheduler", "seed", "regions", "loras", "controls", "references", "calm_poles_deg"}
)
"""What a job has otherwise than a scene: set by itself, or not at all."""
_CANVAS_KEYS = tuple(
    declared.name
    for declared in fields(Job)
    if declared.name in CanvasSettings.__annotations__ and declared.name not in _OF_ITS_OWN
)
_BEFORE = {
    **{"prompt_syntax": PLAIN, "base_strength": 0.0, "look": LOOK_FRAME, "wrap": "none"},
    "windows": OVERLAPPING,
}
"""What settings of earlier versions meant that knew no other."""


def snapshot(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return the settings of a scene's canvas and of its regions, by the regions' ids."""
    found = sources(scene)
    return {
        "canvas": _values(canvas_settings(scene)),
        "regions": {source.id: _values(source.settings) for source in found},
        "names": {source.id: source.name for source in found},
    }


def restore(scene: bpy.types.Scene, taken: Mapping[str, Any]) -> list[str]:
    """Set a scene's settings as they were, and return the names of regions that are gone.

    A snapshot of 0.1.0 has the regions by their names.
    """
    canvas, regions, names = (_mapping(taken.get(key)) for key in ("canvas", "regions", "names"))
    _set(canvas_settings(scene), {**_BEFORE, **canvas})
    there = _regions_by_key(scene)
    for key, values in regions.items():
        if key in there:
            _set(there[key], _mapping(values))
    return [str(names.get(key, key)) for key in regions if key not in there]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def restore_canvas(scene: bpy.types.Scene, job: Job, folder: Path) -> None:
    """Set what a job says of the picture as a whole; its relative paths start at a folder."""
    settings = canvas_settings(scene)
    model = job.model or BUNDLED_MODEL
    beside = path_in(folder, model)
    settings.model = str(beside.resolve()) if is_there(beside) else model
    settings.scheduler = job.scheduler or SCHEDULER_OF_MODEL
    for key in _CANVAS_KEYS:
        setattr(settings, key, getattr(job, key))
    settings.num_inference_steps = whole_steps(job)
    settings.look = LOOK_AROUND if job.calm_poles_deg else LOOK_FRAME
    settings.calm_poles_deg = job.calm_poles_deg or settings.calm_poles_deg
    settings.loras.clear()
    for lora in job.loras:
        line, file = settings.loras.add(), path_in(folder, lora.lora)
        line.lora = str(file.resolve()) if is_there(file) else lora.lora
        line.weight = lora.weight
    for region in job.text_regions:  # what fills gaps without a prompt has none to follow
        if region.id == BACKGROUND_ID and region.prompt and region.guidance_scale is not None:
            settings.guidance_scale = region.guidance_scale


def restore_seeds(scene: bpy.types.Scene, job: Job) -> None:
    """Set the seeds that were drawn, of regions only where they changed the picture."""
    canvas_settings(scene).seed = job.seed
    there = _regions_by_key(scene)
    ids = [region.id for region in job.all_regions]
    for region in job.all_regions:
        if region.id not in there or ids.count(region.id) > 1:
            continue
        starts_anew = isinstance(region, RerollRegion) and region.reroll_mode == "reset"
        if starts_anew or region.noise_eps or isinstance(region, Image2ImageRegion):
            there[region.id].region_seed = region.region_seed


def _regions_by_key(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return the settings of all objects and layers by their names, and by their ids."""
    found: dict[str, Any] = {obj.name: region_settings(obj) for obj in scene.objects}
    found |= {s.uid: s for s in found.values() if s.uid}
    for source in sources(scene):
        found[source.name] = found[source.id] = source.settings
    return found


def _values(settings: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for declared in _of_the_picture(settings):
        name = declared.identifier
        value = getattr(settings, name)
        if declared.type == "COLLECTION":
            values[name] = [_values(line) for line in value]
        elif declared.type == "POINTER":
            if value is None or isinstance(value, bpy.types.Image):
                values[name] = {"image": value.name if value else None}
        else:
            values[name] = list(value) if getattr(declared, "is_array", False) else value
    return values


def _set(settings: Any, values: Mapping[str, Any]) -> None:
    for declared in _of_the_picture(settings):
        name = declared.identifier
        value = values.get(name)
        if declared.type == "COLLECTION":
            if isinstance(value, list):
                _set_list(getattr(settings, name), value)
            continue
        if isinstance(value, Mapping):
            value = bpy.data.images.get(str(value.get("image")))
        if value is None:
            continue
        # What is of another kind is of another version of the add-on, or somebody's invention.
        with suppress(TypeError, ValueError, OverflowError):
            if getattr(settings, name) != value:
                setattr(settings, name, value)


def _set_list(lines: Any, values: list[Any]) -> None:
    lines.clear()
    for one in values:
        _set(lines.add(), _mapping(one))


def _of_the_picture(settings: Any) -> Iterator[Any]:
    """Yield the declarations of what a snapshot takes and brings back."""
    for declared in settings.bl_rna.properties:
        name, is_list = declared.identifier, declared.type == "COLLECTION"
        is_own = name in LISTS if is_list else not declared.is_readonly
        if is_own and name not in _NOT_OF_THE_PICTURE and not declared.is_hidden:
            yield declared
