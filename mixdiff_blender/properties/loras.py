"""The LoRAs of a region, or of the whole picture."""

from __future__ import annotations

from typing import Any

import bpy

from ..contract import Lora
from .declarations import CollectionProperty, Declaring, declared, noticed, overridable


@noticed
@overridable
class LoraSettings(Declaring, bpy.types.PropertyGroup):
    """A LoRA, and how much it counts."""

    __slots__ = ()

    lora: str = declared(Lora)
    weight: float = declared(Lora, soft_min=-1.0)


def lora_list(description: str) -> Any:
    """Return the property that holds a list of LoRAs."""
    return CollectionProperty(name="LoRAs", description=description, type=LoraSettings)


CLASSES = (LoraSettings,)
