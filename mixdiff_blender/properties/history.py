"""What the add-on keeps of a scene's results: `Scene.mixdiff.history`, and where files go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from ..contract import STRENGTH
from .declarations import (
    CollectionProperty,
    Declaring,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from .seeds import seed_in


class HistoryEntry(Declaring, bpy.types.PropertyGroup):
    """One result: its file, and all that is needed to make it again."""

    __slots__ = ()

    key = StringProperty(name="Key", description="Tells results apart")
    file = StringProperty(
        name="File", description="The picture's file; // is the folder of the .blend"
    )
    seed_digits = StringProperty(name="Seed", description="The picture's seed (seed)")
    what = StringProperty(
        name="What", description="How it differs from the result that it was made from"
    )
    made_at = StringProperty(name="Time", description="When it was made (ISO 8601)")
    job = StringProperty(
        name="Job", description="The job that made it, everything drawn at random filled in (JSON)"
    )
    settings = StringProperty(
        name="Settings", description="The scene's and the regions' settings at that time (JSON)"
    )
    places = StringProperty(
        name="Places", description="The name of the region at each place of the job (JSON)"
    )
    shot = StringProperty(
        name="Shot", description="The name of its frames' files, #### standing for their numbers"
    )
    view = StringProperty(name="View", description="What the camera saw at that time (JSON)")

    seed: int | None = seed_in("seed_digits")


when_activated: Callable[[bpy.types.Scene], None] | None = None
"""What follows the choice of another result; set by those who know how to show one."""


def _activated(settings: Any, context: bpy.types.Context) -> None:
    if when_activated is not None:
        when_activated(settings.id_data)


class HistorySettings(Declaring):
    """A scene's results, and which of them is shown."""

    __slots__ = ()

    output_folder = StringProperty(
        name="Folder",
        description="Where pictures go; // is the folder of the .blend. A file that was never "
        "saved keeps its pictures packed, and in a folder of the add-on until it is saved",
        default="//mixdiff/",
        subtype="DIR_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set(),
    )
    history: Any = CollectionProperty(
        name="History", description="The results of this scene", type=HistoryEntry
    )
    again_strength = FloatProperty(
        name="Keep",
        description="How much stays of what is made again: 0 nothing, towards 1 it changes less. "
        "What is around it stays in any case (strength)",
        default=0.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    enlarge_strength = FloatProperty(
        name="Keep",
        description="How much of the picture stays when it is made larger: towards 1 it is only "
        "sharper, towards 0 it gets detail of its own (strength)",
        default=STRENGTH,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    change_mask: bpy.types.Image | None = PointerProperty(
        name="Change",
        description="The image on which is painted what is made again",
        type=bpy.types.Image,
        options={"HIDDEN"},
    )
    change_mask_of = StringProperty(
        name="Change Of",
        description="The key of the result that it is painted over",
        options={"HIDDEN"},
    )
    active_history = IntProperty(
        name="Shown Result",
        description="The result that is shown now",
        min=0,
        update=_activated,
        options={"HIDDEN"},
    )


CLASSES = (HistoryEntry,)
