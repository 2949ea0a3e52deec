"""The control pictures that a scene gives, by what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import bpy
import numpy as np

from ...contract import DEPTH, EDGES, NORMAL, SEGMENTS, atomic_write
from ...storage.images import png_of
from ..regions.projection import Canvas
from .depth import depth_picture
from .edges import edge_picture
from .normals import normal_picture
from .seen_triangles import Colours, ReadTriangles, SeenTriangles
from .segments import Segments, segment_picture


class SceneLook:
    """What the camera sees of a scene, looked at once for all its control pictures, when asked."""

    def __init__(
        self,
        scene: bpy.types.Scene,
        depsgraph: bpy.types.Depsgraph,
        canvas: Canvas,
        segments: Segments | None = None,
    ) -> None:
        self._scene, self._depsgraph, self._canvas = scene, depsgraph, canvas
        self.segments = segments or Segments()
        self._pictures: dict[str, ScenePicture] = {}

    @cached_property
    def read(self) -> ReadTriangles:
        """What there is to be seen, read in Blender's thread.

        Raises: EngineError of kind `job` without a camera.
        """
        return ReadTriangles.of(self._scene, self._depsgraph, self._canvas)

    @cached_property
    def seen(self) -> SeenTriangles:
        """What is seen at each pixel of the canvas.

        Raises: EngineError of kind `job` without a camera.
        """
        return SeenTriangles.of_read(self.read)

    def picture(self, kind: str) -> ScenePicture:
        """Return the picture of a kind, the same one each time."""
        return self._pictures.setdefault(kind, ScenePicture(kind=kind, look=self))


SCENE_PICTURES: Mapping[str, Callable[[SceneLook], Colours]] = {
    DEPTH: lambda look: depth_picture(look.seen),
    NORMAL: lambda look: normal_picture(look.seen),
    EDGES: lambda look: edge_picture(look.seen),
    SEGMENTS: lambda look: segment_picture(look.seen, look.segments),
}
"""What makes each kind of control that a scene can give."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScenePicture:
    """A control picture of a scene that is in no file yet."""

    kind: str
    look: SceneLook

    def levels(self) -> Colours:
        """Return the picture, (H, W, 3), first row at the top.

        Raises: EngineError of kind `job` without a camera.
        """
        return np.ascontiguousarray(SCENE_PICTURES[self.kind](self.look))

    def is_read(self) -> bool:
        """Read what needs Blender's thread; return whether the rest does not."""
        if self.kind == SEGMENTS:  # which asks objects for their names
            return False
        return self.look.read is not None

    def write(self, path: Path) -> None:
        """Write it as a PNG.

        Raises: EngineError of kind `job` without a camera, or `output`.
        """
        levels = self.levels()
        with atomic_write(path) as file:
            file.write(png_of(levels))
