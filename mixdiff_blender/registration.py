"""Makes the add-on known to Blender, module by module, and takes it away in the opposite order.

A module says what it has: `CLASSES`, `MENUS` (a menu and what draws into it), `HANDLERS` (events of
`bpy.app.handlers`), `TIMERS` (functions that may be running at the end), `DRAWN` (what draws over
every 3D viewport, where there is a window), and functions `register` and `unregister`
for what is none of these.
"""

from __future__ import annotations

from contextlib import ExitStack
from importlib import import_module
from typing import Any

import bpy

MODULES = (
    "properties.history",
    "properties.loras",
    "properties.controls",
    "properties.references",
    "properties.regions",
    "properties.canvas",
    "properties.preferences",
    "properties",
    "ui.operators.generate",
    "ui.operators.live",
    "ui.operators.shots",
    "ui.operators.engine",
    "ui.operators.models",
    "ui.operators.presets",
    "ui.operators.regions",
    "ui.operators.groups",
    "ui.operators.region_list",
    "ui.operators.loras",
    "ui.operators.drawing",
    "ui.operators.placing",
    "ui.operators.images",
    "ui.operators.annotation_layers",
    "ui.operators.add_menu",
    "ui.operators.results",
    "ui.operators.baking",
    "ui.operators.history",
    "ui.operators.viewing",
    "ui.operators.again",
    "ui.operators.enlarging",
    "ui.operators.passes",
    "ui.operators.controls",
    "ui.operators.references",
    "ui.tools.drawing",
    "ui.panels.generate",
    "ui.panels.results",
    "ui.panels.canvas",
    "ui.panels.regions",
    "ui.panels.region",
    "ui.panels.loras",
    "ui.panels.controls",
    "ui.panels.references",
    "ui.panels.installation",
    "job.former_files",
    "job.model_settings",
    "job.known_words",
    "job.regions.handlers",
    "job.regions.until_changed",
    "job.regions.kept_drawing",
    "job.regions.sight",
    "cli.main",
    "results.thumbnails",
    "results.generation",
    "results.saving",
    "results.shot",
    "results.live",
    "backend.engine",
    "backend.live_preview",
    "backend.installing",
    "backend.models",
    "backend.machine_task",
    "backend.idle",
    "ui.ahead",
    "ui.job_cache",
    "ui.overlay.drawing",
    "ui.overlay.handles",
)
"""All that Blender has to know of, in the order of menus and panels."""

_persistent: Any = bpy.app.handlers.persistent
_undo = ExitStack()


def register() -> None:
    """Make everything known to Blender, or nothing where a part of it fails."""
    global _undo
    with ExitStack() as undo:
        for name in MODULES:
            _register(import_module(f".{name}", __package__), undo)
        _undo = undo.pop_all()


def unregister() -> None:
    """Take everything away again, and end the engine."""
    _undo.close()


def _register(module: Any, undo: ExitStack) -> None:
    for cls in getattr(module, "CLASSES", ()):
        bpy.utils.register_class(cls)
        undo.callback(bpy.utils.unregister_class, cls)
    for menu_name, draw in getattr(module, "MENUS", ()):
        menu = getattr(bpy.types, menu_name)
        menu.append(draw)
        undo.callback(menu.remove, draw)
    for event, handler in getattr(module, "HANDLERS", {}).items():
        listeners: list[Any] = getattr(bpy.app.handlers, event)
        listeners.append(_persistent(handler))
        undo.callback(_end_handler, listeners, handler)
    for timer in getattr(module, "TIMERS", ()):
        undo.callback(_end_timer, timer)
    for draw in () if bpy.app.background else getattr(module, "DRAWN", ()):
        space: Any = bpy.types.SpaceView3D
        handle = space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")
        undo.callback(space.draw_handler_remove, handle, "WINDOW")
    if hasattr(module, "register"):
        module.register()
    if hasattr(module, "unregister"):
        undo.callback(module.unregister)


def _end_handler(listeners: list[Any], handler: Any) -> None:
    if handler in listeners:  # which anybody may have emptied
        listeners.remove(handler)


def _end_timer(timer: Any) -> None:
    if bpy.app.timers.is_registered(timer):
        bpy.app.timers.unregister(timer)
