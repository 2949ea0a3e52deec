"""What the add-on keeps: `Object.mixdiff` for regions, `Scene.mixdiff` for the canvas.

The names are the job's keys. A seed may be larger than Blender's whole numbers and may be left to
chance: it is kept as digits, and scripts read and set it as `seed` and `region_seed`.
"""

from __future__ import annotations

from typing import Any

import bpy

from .canvas import (
    LOOK_AROUND,
    LOOK_FRAME,
    RENDER_SIZE,
    SCHEDULER_OF_MODEL,
    CanvasSettings,
    canvas_settings,
)
from .controls import OF_PICTURE, OF_SCENE, ControlSettings, values_of
from .declarations import PointerProperty
from .history import HistoryEntry
from .regions import (
    LISTS,
    MASK_PICTURE,
    RECTANGLE,
    REROLL_TYPE,
    SILHOUETTE,
    TYPE_ITEMS,
    WINDOWS_OF_CANVAS,
    RegionEntry,
    RegionSettings,
    region_settings,
)


def register() -> None:
    """Give objects and scenes their settings."""
    owner: Any = bpy.types.Object
    owner.mixdiff = PointerProperty(type=RegionSettings, override={"LIBRARY_OVERRIDABLE"})
    bpy.types.Scene.mixdiff = PointerProperty(type=CanvasSettings)  # type: ignore[attr-defined]


def unregister() -> None:
    """Take the settings away; what files hold of them stays in the files."""
    del bpy.types.Scene.mixdiff  # type: ignore[attr-defined]
    del bpy.types.Object.mixdiff  # type: ignore[attr-defined]
