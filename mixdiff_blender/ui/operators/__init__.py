"""What a person can do: each operator collects its input and hands over.

Every module gives its `CLASSES` and the `MENUS` that hold them, since F3 searches menus; what adds
regions stands in Add > MixDiff.
"""

from __future__ import annotations

from typing import Any

import bpy

from . import (
    add_menu,
    annotation_layers,
    drawing,
    engine,
    generate,
    history,
    images,
    models,
    region_list,
    regions,
    results,
)

_MODULES: tuple[Any, ...] = (
    engine,
    models,
    generate,
    regions,
    region_list,
    drawing,
    images,
    annotation_layers,
    add_menu,
    results,
    history,
)
CLASSES = tuple(cls for module in _MODULES for cls in module.CLASSES)
_MENUS = tuple(entry for module in _MODULES for entry in getattr(module, "MENUS", ()))


def attach() -> None:
    """Put the operators into the menus."""
    for menu, draw in _MENUS:
        getattr(bpy.types, menu).append(draw)


def detach() -> None:
    """Take the operators out of the menus."""
    for menu, draw in _MENUS:
        getattr(bpy.types, menu).remove(draw)
