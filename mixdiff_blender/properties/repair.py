"""Values that no field can hold, which a file may bring all the same, are the defaults again."""

from __future__ import annotations

from typing import Any

import bpy

from .canvas import canvas_settings
from .regions import LISTS, region_settings


def repair_file() -> None:
    """Repair the settings of all scenes and objects."""
    for scene in bpy.data.scenes:
        settings = canvas_settings(scene)
        _repair_with_lists(settings)
        for entry in settings.history:
            repair(entry)
        for listed in settings.regions:
            repair(listed)
            _repair_with_lists(listed.settings)
    for obj in bpy.data.objects:
        own = region_settings(obj)
        if any(map(own.is_property_set, type(own).__annotations__)):
            _repair_with_lists(own)


def _repair_with_lists(settings: Any) -> None:
    repair(settings)
    for name in LISTS:
        for line in getattr(settings, name):
            repair(line)


def repair(settings: Any) -> None:
    """Take back what is no text, no choice that there is, or no number within its limits."""
    for name in type(settings).__annotations__:
        if not _is_possible(settings, name):
            settings.property_unset(name)


def _is_possible(settings: Any, name: str) -> bool:
    declared = settings.bl_rna.properties[name]
    try:
        value = getattr(settings, name)
    except UnicodeDecodeError:
        return False
    if declared.type == "ENUM":
        return value in declared.enum_items
    if declared.type in {"INT", "FLOAT"} and not declared.is_readonly:
        return bool(declared.hard_min <= value <= declared.hard_max)
    return True
