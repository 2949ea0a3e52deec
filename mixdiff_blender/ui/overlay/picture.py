"""The picture over the camera's view: while it is made, and when it is finished."""

from __future__ import annotations

from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ...backend import engine, live_preview
from ...properties import canvas_settings
from .frame import Frame

Pixels = NDArray[np.float32]

_gpu: Any = gpu  # whose stubs do not say that functions return anything
_LONGEST_PX = 1024
_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))

_finished: tuple[object, Pixels] | None = None
_texture: tuple[Pixels, Any] | None = None


def picture_over(scene: bpy.types.Scene) -> Pixels | None:
    """Return what is to be seen over the camera's view, (H, W, 4), the first row at the bottom.

    The preview of what is being made for the scene, else its finished picture.
    """
    settings = canvas_settings(scene)
    if settings.show_preview:
        jobs = (job for job in engine.queue.running if job.request.scene_name == scene.name)
        if preview := next(filter(None, map(live_preview.of, jobs)), None):
            return preview.pixels
    image = settings.result
    return _pixels_of(image) if settings.show_result and image is not None else None


def _pixels_of(image: bpy.types.Image) -> Pixels | None:
    """Return an image's pixels, at most as many as a view shows."""
    global _finished
    width, height = image.size
    key = (image.session_uid, image.filepath_raw, width, height)
    if _finished is None or _finished[0] != key:
        if not width or not height or image.channels != 4:
            return None  # its file is gone
        pixels = np.empty(width * height * 4, dtype=np.float32)
        image.pixels.foreach_get(pixels)  # type: ignore[attr-defined]
        step = -(-max(width, height) // _LONGEST_PX)
        shown = pixels.reshape(height, width, 4)[::step, ::step]
        _finished = key, np.ascontiguousarray(shown)
    return _finished[1]


def draw_picture(pixels: Pixels, frame: Frame) -> None:
    """Draw a picture into the camera's frame."""
    global _texture
    if _texture is None or _texture[0] is not pixels:
        height, width, _ = pixels.shape
        values = _gpu.types.Buffer("FLOAT", pixels.size, pixels.ravel())
        texture = _gpu.types.GPUTexture((width, height), format="RGBA16F", data=values)
        _texture = (pixels, texture)
    corners = [
        (frame.left + x * frame.width, frame.bottom + y * frame.height, 0) for x, y in _CORNERS
    ]
    shader = _gpu.shader.from_builtin("IMAGE")
    batch = batch_for_shader(shader, "TRI_FAN", {"pos": corners, "texCoord": _CORNERS})
    shader.bind()
    shader.uniform_sampler("image", _texture[1])
    batch.draw(shader)


def forget() -> None:
    """Give back what the graphics card and the memory hold."""
    global _finished, _texture
    _finished = _texture = None
