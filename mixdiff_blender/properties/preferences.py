"""The add-on's preferences: what is set once for this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import package
from ..contract import path_in
from .declarations import BoolProperty, Declaring, IntProperty, StringProperty

# The engine's part of the page is drawn by who knows the engine, which knows these preferences.
DRAWN_BY_ENGINE: list[Any] = []
DRAWN_BELOW_CLUSTER: list[Any] = []


class MixDiffPreferences(Declaring, bpy.types.AddonPreferences):
    """What is set once for this computer."""

    bl_idname = package.NAME

    engine_python = StringProperty(
        name="Engine's Python",
        description="The Python that the engine runs in; empty for the one that the extension "
        "installs (an environment of yours with torch and diffusers)",
        subtype="FILE_PATH",
    )
    start_ahead = BoolProperty(
        name="Start the Engine When the Tab Is Opened",
        description="Start the engine when the MixDiff tab is opened for the first time, so that "
        "the first picture need not wait for it",
        default=True,
    )
    idle_minutes = IntProperty(
        name="Free After",
        description="Give the model's memory back when no picture was made for so many minutes; "
        "0 for never",
        default=15,
        min=0,
        soft_max=120,
    )
    free_before_render = BoolProperty(
        name="Free Before Rendering",
        description="Give the model's memory back before Blender renders, "
        "so that both need not fit on the graphics card",
        default=False,
    )
    cluster = StringProperty(
        name="Cluster",
        description="HOST:PORT of a Ray cluster that several pictures and frame ranges are made "
        "on, as `ray start --head` prints it; empty for this computer",
    )
    hub_model = StringProperty(
        name="Model of the Hub",
        description="Another model of the Hugging Face hub, as owner/name: Stable Diffusion 1.x or "
        "2.x in diffusers' format, with safetensors",
        options={"SKIP_SAVE"},
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        layout: Any = self.layout
        for draw in DRAWN_BY_ENGINE:
            draw(layout, context)
        layout.use_property_split = True
        column = layout.column()
        column.prop(self, "engine_python")
        column.label(text="A Python 3.11 to 3.13 that has torch and diffusers", icon="INFO")
        column.prop(self, "start_ahead")
        layout.column().prop(self, "cluster")
        for draw in DRAWN_BELOW_CLUSTER:
            draw(layout, context)
        column = layout.column(heading="Memory")
        column.prop(self, "idle_minutes")
        column.prop(self, "free_before_render")


def _preferences() -> Any:
    preferences: Any = bpy.context.preferences
    addon = preferences.addons.get(package.NAME)
    return addon.preferences if addon else None


def hub_model() -> Any:
    """Return what holds the name of a model that is to be fetched, as `hub_model`."""
    return _preferences()


def engine_python() -> str:
    """Return the Python that the person chose, or an empty text."""
    chosen: str = getattr(_preferences(), "engine_python", "")
    start = Path(bpy.data.filepath).parent
    return str(path_in(start, chosen.removeprefix("//"))) if chosen else ""


def cluster() -> str:
    """Return the address of the cluster for many pictures; an empty text for this computer."""
    return str(getattr(_preferences(), "cluster", "")).strip()


def start_ahead() -> bool:
    """Return whether the engine is started when the tab is opened."""
    return bool(getattr(_preferences(), "start_ahead", False))


def idle_minutes() -> int:
    """Return after how many quiet minutes the memory is given back; 0 for never."""
    return int(getattr(_preferences(), "idle_minutes", 0))


def free_before_render() -> bool:
    """Return whether the memory is given back before a render."""
    return bool(getattr(_preferences(), "free_before_render", False))


CLASSES = (MixDiffPreferences,)
