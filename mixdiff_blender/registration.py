"""Makes the add-on known to Blender, in one order, and takes it away in the opposite one."""

from __future__ import annotations

from typing import Any, cast

from bpy.utils import register_classes_factory

from . import (
    cli,
    installing,
    memory,
    models,
    operators,
    panels,
    preferences,
    properties,
    running,
    saving,
    thumbnails,
    watching,
)
from .overlay import drawing
from .panels import installation
from .regions import handlers

CLASSES = (*properties.CLASSES, *preferences.CLASSES, *operators.CLASSES, *panels.CLASSES)

_register_classes, _unregister_classes = cast(Any, register_classes_factory)(CLASSES)


def register() -> None:
    """Make everything known to Blender."""
    _register_classes()
    properties.attach()
    operators.attach()
    handlers.register()
    cli.register()
    saving.register()
    running.register()
    installing.register()
    installation.attach()
    memory.register()
    watching.register()
    drawing.register()


def unregister() -> None:
    """Take everything away again, and end the engine."""
    drawing.unregister()
    watching.unregister()
    memory.unregister()
    models.unregister()
    installation.detach()
    installing.unregister()
    running.unregister()
    saving.unregister()
    thumbnails.unload()
    cli.unregister()
    handlers.unregister()
    operators.detach()
    properties.detach()
    _unregister_classes()
