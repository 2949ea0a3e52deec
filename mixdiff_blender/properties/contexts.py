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
