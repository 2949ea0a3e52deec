"""What a context is always sure to have, though its type says that it may not."""

from __future__ import annotations

import bpy


def scene_in(context: bpy.types.Context) -> bpy.types.Scene:
    """Return the scene that is worked on."""
    assert context.scene is not None
    return context.scene


def view_layer_in(context: bpy.types.Context) -> bpy.types.ViewLayer:
    """Return the view layer that is worked on."""
    assert context.view_layer is not None
    return context.view_layer


def select(
    context: bpy.types.Context, obj: bpy.types.Object | None, *, extend: bool = False
) -> None:
    """Select an object and make it the active one; unless it extends, nothing else stays so."""
    objects = view_layer_in(context).objects
    if not extend:
        for other in list(objects.selected):
            other.select_set(False)
    objects.active = obj
    if obj is not None:
        obj.select_set(True)
