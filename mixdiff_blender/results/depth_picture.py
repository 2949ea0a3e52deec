"""How far a camera sees at each place of its frame, as an image that materials compare with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..job.regions.occluders import occluders
from ..job.regions.projection import CameraView
from ..job.regions.rasteriser import DepthBuffer
from ..job.regions.shown import ShownGeometry
from ..job.regions.visibility import LeftOut
from ..storage.images import grey_png_of
from .depth_codes import DepthRange
from .projection_nodes import AROUND

CONTENT = "mixdiff_content"
_LONGER_SIDE = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthPng:
    """A depth picture as a file."""

    data: bytes
    range: DepthRange
    size_px: tuple[int, int]


def depth_picture(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, view: CameraView, name: str
) -> bpy.types.Image:
    """Return an image of how far a camera sees what renders show of a scene.

    It is kept in the .blend, one of each content. Each place has the farthest of what is seen in it
    and around it: a surface that is seen is nowhere farther, however it is turned, and what lies
    behind another one is, but for a sample along its edge.
    """
    drawn = depth_png(scene, depsgraph, view, _LONGER_SIDE)
    digest = hashlib.sha256(drawn.data + repr(drawn.range).encode()).hexdigest()
    images: Any = bpy.data.images
    for image in images:
        if image.get(CONTENT) == digest and image.library is None:
            return image  # type: ignore[no-any-return]
    image = images.new(name, *drawn.size_px, float_buffer=True, is_data=True)
    image.pack(data=drawn.data, data_len=len(drawn.data))
    image.source = "FILE"
    as_depths(image, drawn.range)
    image[CONTENT] = digest
    return image  # type: ignore[no-any-return]


def depth_png(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    view: CameraView,
    longer_side_px: int,
    kept: DepthRange | None = None,
) -> DepthPng:
    """Draw how far a camera sees what renders show; without a range in that of what is seen."""
    view = _widened(view)
    height, width = _size(view, longer_side_px)
    depths = farthest_around(_depths(scene, depsgraph, view, height, width))
    kept = kept or DepthRange.around(depths)
    return DepthPng(data=grey_png_of(kept.codes(depths)), range=kept, size_px=(width, height))


def as_depths(image: Any, kept: DepthRange) -> None:
    """Have an image be read as numbers of a range, none of them rounded."""
    image.use_half_precision = False
    image.colorspace_settings.is_data = True
    kept.keep_on(image)


def farthest_around(depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest of each number and its eight neighbours. Shapes: (H, W) → (H, W)."""
    for axis in (0, 1):
        padded = np.pad(depths, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        size = depths.shape[axis]
        depths = np.maximum.reduce(
            [padded.take(range(first, first + size), axis=axis) for first in range(3)]
        )
    return depths


def _widened(view: CameraView) -> CameraView:
    """Return a view that sees a little more on all sides, as a render's filter does."""
    across, up = ((view.right - view.left) * AROUND, (view.top - view.bottom) * AROUND)
    return replace(
        view,
        left=view.left - across,
        right=view.right + across,
        bottom=view.bottom - up,
        top=view.top + up,
    )


def _size(view: CameraView, longer_side_px: int) -> tuple[int, int]:
    """Return how many samples the frame is high and wide."""
    width, height = view.right - view.left, view.top - view.bottom
    scale = longer_side_px / max(width, height)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _depths(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    view: CameraView,
    height: int,
    width: int,
) -> NDArray[np.float64]:
    layer = depsgraph.view_layer
    assert isinstance(layer, bpy.types.ViewLayer)
    objects = occluders(layer)
    shown = ShownGeometry(scene, depsgraph, objects)
    buffer = DepthBuffer(view, height, width)
    for obj in objects:
        pieces = shown.pieces_of(obj)
        for piece in () if isinstance(pieces, LeftOut) else pieces:
            for points, triangles in piece.parts() if piece.hides else ():
                buffer.draw(points, triangles, np.zeros(len(triangles), dtype=np.int32))
    return buffer.depths
