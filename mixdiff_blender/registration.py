"""Registers every class, property, menu entry, handler and command, in one order."""

from __future__ import annotations

import bpy

from . import cli, operators, panels, preferences, properties, session

CLASSES = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *operators.CLASSES,
    *panels.CLASSES,
)

_register_classes, _unregister_classes = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    """Register the add-on."""
    _register_classes()
    properties.attach()
    operators.add_to_menus()
    session.attach()
    cli.register()


def unregister() -> None:
    """Unregister the add-on, in the opposite order, and stop the engine."""
    cli.unregister()
    session.detach()
    operators.remove_from_menus()
    properties.detach()
    _unregister_classes()
