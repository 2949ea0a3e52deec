"""What the add-on keeps of a scene's results: `Scene.mixdiff.history`, and where files go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy

from .declarations import props


class HistoryEntry(bpy.types.PropertyGroup):
    """One result: its file, and all that is needed to make it again."""

    __slots__ = ()

    if TYPE_CHECKING:
        name: str
        key: str
        file: str
        seed_digits: str
        made_at: str
        job: str
        settings: str
        places: str
        view: str

    @property
    def seed(self) -> int | None:
        """The seed of the picture."""
        return int(self.seed_digits) if self.seed_digits else None


HistoryEntry.__annotations__ = {
    "key": props.StringProperty(name="Key", description="Tells results apart"),
    "file": props.StringProperty(
        name="File", description="The picture's file; // is the folder of the .blend"
    ),
    "seed_digits": props.StringProperty(name="Seed", description="The picture's seed (seed)"),
    "made_at": props.StringProperty(name="Time", description="When it was made (ISO 8601)"),
    "job": props.StringProperty(
        name="Job", description="The job that made it, everything drawn at random filled in (JSON)"
    ),
    "settings": props.StringProperty(
        name="Settings", description="The scene's and the regions' settings at that time (JSON)"
    ),
    "places": props.StringProperty(
        name="Places", description="The name of the region at each place of the job (JSON)"
    ),
    "view": props.StringProperty(
        name="View", description="What the camera saw at that time (JSON)"
    ),
}


when_activated: Callable[[bpy.types.Scene], None] | None = None
"""What follows the choice of another result; set by those who know how to show one."""


def _activated(settings: Any, context: bpy.types.Context) -> None:
    if when_activated is not None:
        when_activated(settings.id_data)


ANNOTATIONS: dict[str, Any] = {
    "output_folder": props.StringProperty(
        name="Folder",
        description="Where pictures go; // is the folder of the .blend. A file that was never "
        "saved keeps its pictures packed, and in a folder of the add-on until it is saved",
        default="//mixdiff/",
        subtype="DIR_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set(),
    ),
    "history": props.CollectionProperty(
        name="History", description="The results of this scene", type=HistoryEntry
    ),
    "active_history": props.IntProperty(
        name="Shown Result",
        description="The result that is shown now",
        min=0,
        update=_activated,
        options={"HIDDEN"},
    ),
}

CLASSES = (HistoryEntry,)
