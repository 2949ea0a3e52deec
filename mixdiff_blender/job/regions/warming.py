"""Reads what objects of a scene show a few at a time, before all of it is asked for at once."""

from __future__ import annotations

import time
from typing import cast

import bpy

from .entries import sources
from .kept_surfaces import has_kept_surfaces
from .occluders import occluders
from .shapes import has_silhouette
from .shown import ShownGeometry

_AT_ONCE = 4


class Warming:
    """One scene's reading: begun where nothing is kept, as when a file was opened."""

    def __init__(self) -> None:
        self._tried: set[int] | None = None

    def goes_on(
        self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, seconds: float
    ) -> bool:
        """Read for so long; return whether there is more. A single object is read as a whole."""
        if self._tried is None:
            if has_kept_surfaces() or not _needs_all(scene):
                return False
            self._tried = set()
        end_s = time.monotonic() + seconds
        everything = occluders(cast(bpy.types.ViewLayer, depsgraph.view_layer))
        left = [obj for obj in everything if obj.session_uid not in self._tried]
        for first in range(0, len(left), _AT_ONCE):
            some = left[first : first + _AT_ONCE]
            self._tried.update(obj.session_uid for obj in some)
            ShownGeometry(scene, depsgraph, some)
            if time.monotonic() > end_s and first + _AT_ONCE < len(left):
                return True
        self._tried = None
        return False


def _needs_all(scene: bpy.types.Scene) -> bool:
    enabled = [source for source in sources(scene) if source.settings.enabled]
    return any(has_silhouette(source) or source.group is not None for source in enabled)
