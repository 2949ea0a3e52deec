"""Makes the add-on known to Blender, in one order, and takes it away in the opposite one."""

from __future__ import annotations

from typing import Any, cast

from bpy.utils import register_classes_factory

from . import properties
from .backend import engine, idle, installing, live_preview, models
from .cli import main as cli
from .job.regions import handlers
from .properties import preferences
from .results import saving, thumbnails
from .ui import job_cache, operators, panels
from .ui.overlay import drawing
from .ui.panels import installation

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
    engine.register()
    live_preview.register()
    installing.register()
    installation.attach()
    idle.register()
    job_cache.register()
    drawing.register()


def unregister() -> None:
    """Take everything away again, and end the engine."""
    drawing.unregister()
    job_cache.unregister()
    idle.unregister()
    models.unregister()
    installation.detach()
    installing.unregister()
    live_preview.unregister()
    engine.unregister()
    saving.unregister()
    thumbnails.unload()
    cli.unregister()
    handlers.unregister()
    operators.detach()
    properties.detach()
    _unregister_classes()
