"""What holds the picture, or one region, to the scene: a list of controls on either."""

from __future__ import annotations

from typing import Any

import bpy

from ..contract import CONTROL_KINDS, Control, RegionControl
from .declarations import (
    BoolProperty,
    Declaring,
    EnumProperty,
    choice_items,
    declared,
    noticed,
    overridable,
)

OF_SCENE, OF_PICTURE = "scene", "picture"


@noticed
@overridable
class ControlSettings(Declaring, bpy.types.PropertyGroup):
    """One picture that is held to."""

    __slots__ = ()

    enabled = BoolProperty(name="Control", description="Hold to this picture", default=True)
    kind: str = declared(Control, items=choice_items(CONTROL_KINDS))
    source: str = EnumProperty(
        name="From",
        description="Where the picture comes from",
        items=[
            (OF_SCENE, "Scene", "Drawn from what the camera sees, whenever a picture is made"),
            (OF_PICTURE, "Picture", "An image that you choose"),
        ],
    )
    image: bpy.types.Image | None = declared(Control)
    area: str = declared(RegionControl)
    model: str = declared(
        Control,
        description="Hub id, folder or file of the ControlNet; empty for the one that is known for "
        "the picture's model (model)",
    )
    scale: float = declared(Control, subtype="FACTOR")
    start: float = declared(Control, subtype="FACTOR")
    end: float = declared(Control, subtype="FACTOR")


def values_of(controls: Any) -> tuple[tuple[Any, ...], ...]:
    """Return the values of a list of controls, to be compared."""
    return tuple(
        tuple(
            value.name_full if isinstance(value, bpy.types.ID) else value
            for value in (getattr(one, name) for name in type(one).__annotations__)
        )
        for one in controls
    )


CLASSES = (ControlSettings,)
