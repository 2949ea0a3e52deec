"""A scene's settings at the time of a result, and their way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..contract import BUNDLED_MODEL, Job
from ..job.regions.entries import sources
from ..properties import SCHEDULER_OF_MODEL, canvas_settings, region_settings

_NOT_OF_THE_PICTURE = frozenset({"rna_type", "name", "result", "output_folder"})
_CANVAS_KEYS = (
    "num_inference_steps",
    "negative_prompt",
    "cpu_vae",
    "decode_steps",
    "noise_device",
)


def snapshot(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return the settings of a scene's canvas and of its regions, by the regions' names."""
    return {
        "canvas": _values(canvas_settings(scene)),
        "regions": {name: _values(settings) for name, settings in _named_regions(scene)},
    }


def restore(scene: bpy.types.Scene, taken: Mapping[str, Any]) -> list[str]:
    """Set a scene's settings as they were, and return the names of regions that are gone."""
    _set(canvas_settings(scene), taken["canvas"])
    there = dict(_named_regions(scene, all_objects=True))
    for name, values in taken["regions"].items():
        if name in there:
            _set(there[name], values)
    return [name for name in taken["regions"] if name not in there]


def restore_canvas(scene: bpy.types.Scene, job: Job, folder: Path) -> None:
    """Set what a job says of the picture as a whole; its relative paths start at a folder."""
    settings = canvas_settings(scene)
    model = job.model or BUNDLED_MODEL
    beside = folder / model
    settings.model = str(beside.resolve()) if beside.exists() else model
    settings.scheduler = job.scheduler or SCHEDULER_OF_MODEL
    for key in _CANVAS_KEYS:
        setattr(settings, key, getattr(job, key))


def restore_seeds(
    scene: bpy.types.Scene, document: Mapping[str, Any], places: Mapping[str, str]
) -> None:
    """Set the seeds that were drawn, of regions only where they changed the picture."""
    canvas_settings(scene).seed = document.get("seed")
    there = dict(_named_regions(scene))
    names = list(places.values())
    for list_name in ("regions", "reroll_regions"):
        regions: Sequence[Mapping[str, Any]] = document.get(list_name, ())
        for number, region in enumerate(regions):
            name = places.get(f"{list_name}[{number}]")
            if name not in there or names.count(name) > 1:
                continue
            starts_anew = region.get("reroll_mode") == "reset"
            if starts_anew or region.get("noise_eps") or region.get("type") == "image2image":
                there[name].region_seed = region.get("region_seed")


def _named_regions(
    scene: bpy.types.Scene, *, all_objects: bool = False
) -> Iterator[tuple[str, Any]]:
    if all_objects:
        for obj in scene.objects:
            yield obj.name, region_settings(obj)
    for source in sources(scene):
        yield source.name, source.settings


def _values(settings: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for declared in settings.bl_rna.properties:
        name = declared.identifier
        if name in _NOT_OF_THE_PICTURE or declared.is_readonly or declared.is_hidden:
            continue
        value = getattr(settings, name)
        if declared.type == "POINTER":
            if value is None or isinstance(value, bpy.types.Image):
                values[name] = {"image": value.name if value else None}
        elif declared.type != "COLLECTION":
            values[name] = list(value) if getattr(declared, "is_array", False) else value
    return values


def _set(settings: Any, values: Mapping[str, Any]) -> None:
    known = settings.bl_rna.properties
    for name, value in values.items():
        if name not in known:
            continue  # of another version of the add-on
        if isinstance(value, Mapping):
            value = bpy.data.images.get(value["image"] or "")
            if value is None:
                continue
        if getattr(settings, name) != value:
            setattr(settings, name, value)
