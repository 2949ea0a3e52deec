"""The picture over the camera's view: while it is made, and when it is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ...backend import engine, live_preview
from ...contract import is_file
from ...properties import canvas_settings
from ...results.live import live
from ...results.sequence import extent_of
from ...storage.images import sequence_file
from .frame import Frame

Pixels = NDArray[np.float32]

_gpu: Any = gpu  # whose stubs do not say that functions return anything
_LONGEST_PX = 1024
_OF_THE_PAST = 0.4
_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))
_NOTHING: Pixels = np.zeros((3, 3, 4), dtype=np.float32)

_finished: tuple[object, Pixels] | None = None
_texture: tuple[Pixels, Any] | None = None
_wanted: Path | None = None
"""The frame of a sequence that is to be seen."""


def picture_over(scene: bpy.types.Scene) -> Pixels | None:
    """Return what is to be seen over the camera's view, (H, W, 4), the first row at the bottom.

    The preview of what is being made for the scene, else Live's picture, else its finished one.
    """
    settings = canvas_settings(scene)
    if settings.show_preview:
        jobs = (job for job in engine.queue.running if job.request.scene_name == scene.name)
        if preview := next(filter(None, map(live_preview.of, jobs)), None):
            return preview.pixels
    if live.is_on(scene) and live.picture is not None and settings.show_result:
        return live.picture.pixels
    image = settings.result
    if image is None or not settings.show_result:
        return None
    extent = extent_of(image)
    if extent is not None:
        return _pixels_of_frame(image, min(max(scene.frame_current, extent[0]), extent[1]))
    return _pixels_of(image)


def _pixels_of_frame(image: bpy.types.Image, number: int) -> Pixels | None:
    """Return a frame's pixels, or those shown last while it is not read: drawing reads nothing."""
    global _wanted
    file = sequence_file(image, number)
    key = (str(file), file.stat().st_mtime_ns if is_file(file) else 0)
    if _finished is not None and _finished[0] == key:
        return _finished[1]
    _wanted = file
    if not bpy.app.timers.is_registered(_read_wanted):
        bpy.app.timers.register(_read_wanted, first_interval=0.0)
    return _finished[1] if _finished is not None else None


def _read_wanted() -> None:
    """Read the frame that was asked for last, as Blender reads files: as a datablock alone."""
    global _finished
    app: Any = bpy.app
    if _wanted is None or not is_file(_wanted) or app.is_job_running("RENDER"):
        return
    key = (str(_wanted), _wanted.stat().st_mtime_ns)
    try:
        image = bpy.data.images.load(str(_wanted))
    except RuntimeError:
        return
    try:
        pixels = _pixels_of(image)
    finally:
        bpy.data.images.remove(image)
    if pixels is not None:
        _finished = key, pixels
        engine.redraw()


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


def opacity_of(pixels: Pixels) -> float:
    """Return how much a picture hides: what the scene has gone beyond lets it shine through."""
    is_lives = live.picture is not None and live.picture.pixels is pixels
    return _OF_THE_PAST if is_lives and not live.is_fresh else 1.0


def is_picture_to_come(scene: bpy.types.Scene) -> bool:
    """Return whether a first picture may be seen soon."""
    return live.is_on(scene) or bool(engine.queue.running)


def draw_nothing(frame: Frame) -> None:
    """Draw what nobody sees, as pictures are drawn.

    A driver compiles a shader when it first draws by it, which takes one that draws by the
    processor 40 ms: better where something begins than where somebody works.
    """
    place = Frame(left=frame.left, bottom=frame.bottom, width=1.0, height=1.0)
    draw_picture(_NOTHING, place, opacity=0.0)


def draw_picture(pixels: Pixels, frame: Frame, opacity: float = 1.0) -> None:
    """Draw a picture into the camera's frame, always by one shader in one state."""
    global _texture
    if _texture is None or _texture[0] is not pixels:
        padded = _without_powers_of_two(pixels)
        height, width, _ = padded.shape
        values = _gpu.types.Buffer("FLOAT", padded.size, padded.ravel())
        texture = _gpu.types.GPUTexture((width, height), format="RGBA16F", data=values)
        _texture = (pixels, texture)
    corners = [
        (frame.left + x * frame.width, frame.bottom + y * frame.height, 0) for x, y in _CORNERS
    ]
    (height, width, _), texture = pixels.shape, _texture[1]
    shares = [(x * width / texture.width, y * height / texture.height) for x, y in _CORNERS]
    shader = _gpu.shader.from_builtin("IMAGE_COLOR")
    batch = batch_for_shader(shader, "TRI_FAN", {"pos": corners, "texCoord": shares})
    shader.bind()
    shader.uniform_sampler("image", texture)
    shader.uniform_float("color", (1.0, 1.0, 1.0, opacity))
    _gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    _gpu.state.blend_set("NONE")


def _without_powers_of_two(pixels: Pixels) -> Pixels:
    """Return a picture with a row or column more, as the last one, where its side is a power of 2.

    Mesa, drawing by the processor, compiles a shader again for textures with such sides.
    """
    more = [int(size & (size - 1) == 0) for size in pixels.shape[:2]]
    if not any(more):
        return pixels
    return np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")


def forget() -> None:
    """Give back what the graphics card and the memory hold."""
    global _finished, _texture
    _finished = _texture = None
