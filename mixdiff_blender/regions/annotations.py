"""The scene's annotations, whose layers can be regions."""

from __future__ import annotations

from typing import Any

import bpy


def layers_of(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return a scene's layers of annotations by their names."""
    # Blender 5.0 renamed the pointer.
    name = "annotation" if hasattr(scene, "annotation") else "grease_pencil"
    annotations: Any = getattr(scene, name)
    return {layer.info: layer for layer in annotations.layers} if annotations else {}
