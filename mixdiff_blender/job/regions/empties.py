"""The rectangle that an image empty shows."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .projection import Floats


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
