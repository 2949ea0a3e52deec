"""What a scene's colour management makes of the picture in a render."""

from __future__ import annotations

from typing import Any

import bpy


def expectation(scene: bpy.types.Scene) -> str:
    """Return what to expect of the picture's colours in renders, in one line."""
    settings: Any = scene.view_settings
    changes = []
    if settings.view_transform != "Standard":
        changes.append(settings.view_transform)
    if settings.look not in ("None", ""):
        changes.append(f"the look {settings.look}")
    if settings.exposure != 0:
        changes.append("Exposure")
    if settings.gamma != 1:
        changes.append("Gamma")
    if settings.use_curve_mapping:
        changes.append("Curves")
    if getattr(settings, "use_white_balance", False):
        changes.append("White Balance")
    if not changes:
        return "Renders in the colours it has here"
    changing = " and ".join(changes) + (" changes" if len(changes) == 1 else " change")
    if settings.view_transform != "Standard":
        return f"{changing} its colours in renders; the view Standard would not"
    return f"{changing} its colours in renders"


def is_exact(scene: bpy.types.Scene) -> bool:
    """Return whether a render shows the picture's colours as they are."""
    return expectation(scene).startswith("Renders in the colours")
