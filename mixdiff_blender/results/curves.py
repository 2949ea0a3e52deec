"""The curves of what is animated, in every version of Blender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def curves_of(owner: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the curves that animate a datablock, each with what it can be removed from."""
    animation = owner.animation_data
    action = animation.action if animation else None
    if action is None or action.library is not None:
        return
    if hasattr(action, "fcurves"):  # until Blender 5.0
        owners = [action.fcurves]
    else:
        strips = [strip for layer in action.layers for strip in layer.strips]
        bags = [strip.channelbag(animation.action_slot) for strip in strips]
        owners = [bag.fcurves for bag in bags if bag]
    for curves in owners:
        for curve in list(curves):
            yield curve, curves
