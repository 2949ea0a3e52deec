"""The rectangle that an image empty shows."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .planes import to_world
from .projection import Bounds, CameraView, Floats, Ints, visible_bounds

_TRIANGLES: Ints = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)


def is_image_empty(obj: bpy.types.Object) -> bool:
    """Return whether an object is an empty that shows an image."""
    return obj.type == "EMPTY" and obj.empty_display_type == "IMAGE" and obj.data is not None


def corners_of(empty: bpy.types.Object) -> Floats:
    """Return the corners of an empty's image, in its own space.

    Shapes: (4, 3).
    """
    image: Any = empty.data
    width, height = (max(1, size) for size in image.size)
    aspect_x, aspect_y = image.display_aspect
    sides = np.array([width * aspect_x, height * aspect_y])
    sides = sides / sides.max() * empty.empty_display_size
    start = np.array(empty.empty_image_offset) * sides
    left, bottom = start
    right, top = start + sides
    return np.array([[left, bottom, 0], [right, bottom, 0], [right, top, 0], [left, top, 0]])


def bounds_of_empty(evaluated: bpy.types.Object, view: CameraView) -> Bounds | None:
    """Return the part of the camera's frame that an evaluated empty's image covers, if any."""
    return visible_bounds(view, to_world(corners_of(evaluated), evaluated.matrix_world), _TRIANGLES)
