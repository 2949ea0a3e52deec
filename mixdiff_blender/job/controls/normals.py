"""Which way everything faces, as ControlNets for normals expect it."""

from __future__ import annotations

import numpy as np

from ..regions.panorama import axes_of, directions
from .seen_triangles import Colours, SeenTriangles

_ROWS_AT_ONCE = 64
_AXES = np.array([-1.0, 1.0, 1.0])
"""Red is what faces left: ControlNet 1.1's normals have ScanNet's axes, not those of renders.

Source: https://github.com/lllyasviel/ControlNet-v1-1-nightly: blue is front, red left, green top.
"""


def normal_picture(seen: SeenTriangles) -> Colours:
    """Return a picture of the normals in camera space: red left, green up, blue to the camera.

    Of a panorama these are as seen by who looks there. Where nothing is, it faces the camera.
    (H, W, 3).
    """
    height, width = seen.triangles.shape
    picture = np.empty((height, width, 3), dtype=np.uint8)
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        triangles = seen.triangles[rows]
        shown = triangles >= 0
        normals = np.zeros((*triangles.shape, 3))
        normals[..., 2] = 1.0
        normals[shown] = seen.shaded(triangles[shown], seen.points(rows)[shown])
        if seen.view.is_panorama:
            axes = axes_of(directions(height, width)[rows][shown])
            normals[shown] = (axes @ normals[shown][..., None])[..., 0]
        picture[rows] = np.rint((normals * _AXES + 1) / 2 * 255)
    return picture
