"""What is projected onto an object, read for a bake."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...contract import EngineError, read_job
from ...storage.images import frame_of_sequence, has_pixels, sequence_file
from ..depth_codes import DepthRange
from ..image import file_of
from ..projection import Layer
from ..sequence import extent_of
from .seen_colours import Bytes, SeenPicture, encoded
from .sides import sides_seen
from .surface import UvSurface


class LayerReader:
    """Reads layers' images, each once for all objects that show it."""

    def __init__(self, frame: int) -> None:
        self._frame = frame
        self._colours: dict[bpy.types.Image, Bytes] = {}
        self._depths: dict[bpy.types.Image, NDArray[np.float32]] = {}

    def pictures(self, layers: Sequence[Layer], surface: UvSurface) -> list[SeenPicture]:
        """Return an object's layers, the lowest first.

        Raises: EngineError of kind `picture` where an image shows nothing.
        """
        return [
            SeenPicture(
                colours=self._colours_of(layer.image),
                rows=layer.rows,
                depths=self._depths_of(layer.depth),
                sides=sides_seen(surface.points, surface.triangles, layer.rows[3]),
            )
            for layer in layers
        ]

    def note(self, layer: Layer) -> dict[str, Any]:
        """Return what a layer's picture is called, and the job that made it where that is known."""
        name = layer.image.name
        file = file_of(layer.image)
        if file is None:
            return {"picture": name}
        if (extent := extent_of(layer.image)) is not None:
            file = sequence_file(layer.image, _within(self._frame, extent))
        try:
            return {"picture": file.name, "job": read_job(file)}
        except EngineError:
            return {"picture": name}

    def _colours_of(self, image: bpy.types.Image) -> Bytes:
        if image not in self._colours:
            with self._at_frame(image) as shown:
                values = _values_of(shown)[..., :3].astype(np.float64)
                values = encoded(values) if shown.is_float else np.clip(values, 0, 1)
            self._colours[image] = np.rint(values * 255).astype(np.uint8)
        return self._colours[image]

    def _depths_of(self, image: bpy.types.Image | None) -> NDArray[np.float32] | None:
        if image is None:
            return None
        if image not in self._depths:
            with self._at_frame(image) as shown:
                values = _values_of(shown)[..., 0]
            kept = DepthRange.of(image)
            depths = values if kept is None else kept.depths(values).astype(np.float32)
            self._depths[image] = depths
        return self._depths[image]

    def _at_frame(self, image: bpy.types.Image) -> AbstractContextManager[bpy.types.Image]:
        """Return the image as it is at the frame; of a sequence one picture."""
        extent = extent_of(image)
        if extent is None:
            return nullcontext(image)
        number = _within(self._frame, extent)
        return frame_of_sequence(image, sequence_file(image, number))


def _within(frame: int, extent: tuple[int, int]) -> int:
    return min(max(frame, extent[0]), extent[1])


def _values_of(image: Any) -> NDArray[np.float32]:
    """Return an image's values, (H, W, channels), the lowest row first."""
    if not has_pixels(image):
        raise EngineError(
            f"the picture {image.name!r} that is projected has no pixels",
            kind="picture",
            advice="find its file (File > External Data), or project another picture",
        )
    width, height = image.size
    values = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(values)
    values = values.reshape(height, width, image.channels)
    return values if image.channels >= 3 else np.repeat(values[..., :1], 3, axis=2)
