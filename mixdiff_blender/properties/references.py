"""What the picture, or one region, is to look like: a list of reference pictures on either."""

from __future__ import annotations

from typing import Any

import bpy

from ..contract import ReferencePicture
from .declarations import (
    BoolProperty,
    CollectionProperty,
    Declaring,
    declared,
    noticed,
    overridable,
)


@noticed
@overridable
class ReferenceSettings(Declaring, bpy.types.PropertyGroup):
    """One picture that is followed."""

    __slots__ = ()

    enabled = BoolProperty(name="Reference", description="Follow this picture", default=True)
    image: bpy.types.Image | None = declared(ReferencePicture)
    model: str = declared(
        ReferencePicture,
        description="File of the IP-Adapter, or its name on the hub; empty for the one that is "
        "known for the picture's model (model)",
    )
    scale: float = declared(ReferencePicture, subtype="FACTOR")
    start: float = declared(ReferencePicture, subtype="FACTOR")
    end: float = declared(ReferencePicture, subtype="FACTOR")


def reference_list(description: str) -> Any:
    """Return the property that holds a list of reference pictures."""
    return CollectionProperty(
        name="References", description=f"{description} (references)", type=ReferenceSettings
    )


CLASSES = (ReferenceSettings,)
