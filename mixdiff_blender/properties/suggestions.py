"""Names that a scene's model knows, offered while a prompt is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import bpy

from .contexts import scene_in

names_known: Callable[[bpy.types.Scene, str], Iterable[str]] | None = None
"""Returns what a typed text may become; set by those who know what a scene's model knows."""


def _search(settings: Any, context: bpy.types.Context, text: str) -> Iterable[str]:
    return names_known(scene_in(context), text) if names_known is not None else ()


SUGGESTED: dict[str, Any] = {"search": _search, "search_options": {"SUGGESTION"}}
"""The settings of a property whose text may hold names that the model knows."""
