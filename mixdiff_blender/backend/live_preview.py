"""What the picture looks like while it is being made: small, and never part of the file."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np
from numpy.typing import NDArray

from ..contract import EngineError, atomic_write
from ..storage import folders
from ..storage.images import pixels_of_file, png_of
from . import engine
from .states import Generating, Job

INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preview:
    """A decoded preview."""

    pixels: NDArray[np.float32] = field(repr=False)
    """Shapes: (H, W, 4), the first row at the bottom; values as a picture viewer shows them."""
    icon: int
    """What a panel draws."""


_shown: tuple[Job, str, Preview | None] | None = None
_icons: Any = None
_is_warm = False


def of(job: Job | None) -> Preview | None:
    """Return the last preview of a job that runs."""
    return _shown[2] if _shown and _shown[0] is job else None


def show(job: Job, sent: str) -> None:
    """Take in a job's preview as the engine sends it: a PNG in base64."""
    global _shown
    pixels = _decoded(sent)
    preview = None if pixels is None else Preview(pixels=pixels, icon=_icon_of(pixels))
    _shown = job, sent, preview


def warm_up() -> None:
    """Have the first picture read, for which Blender takes long, before one is waited for."""
    global _is_warm
    if not _is_warm:
        _is_warm = True
        _decoded(base64.b64encode(png_of(np.zeros((1, 1, 3), dtype=np.uint8))).decode())


def refresh() -> None:
    """Take in what the job that runs looks like now, and forget the one before."""
    global _shown
    state, job = engine.session.state, engine.session.job
    if job:
        warm_up()
    if _shown and _shown[0] is not job:
        _shown = None
        engine.redraw()
    sent = state.progress.preview if isinstance(state, Generating) else ""
    if job and sent and not (_shown and _shown[1] == sent):
        show(job, sent)
        engine.redraw()


def register() -> None:
    """Have jobs show what they look like, where there is a window."""
    if not bpy.app.background:
        engine.session.preview_every_s = INTERVAL_S
        engine.pump.on_change.insert(0, refresh)  # before what draws it


def unregister() -> None:
    """Give back everything."""
    global _shown, _icons
    if refresh in engine.pump.on_change:
        engine.pump.on_change.remove(refresh)
    _shown = None
    if _icons is not None:
        bpy.utils.previews.remove(_icons)
        _icons = None


def _decoded(sent: str) -> NDArray[np.float32] | None:
    """Return a preview's pixels, which Blender reads from a file alone."""
    try:
        path = folders.session_folder() / "preview.png"
        with atomic_write(path, durable=False) as file:
            file.write(base64.b64decode(sent, validate=True))
        return pixels_of_file(path)
    except (EngineError, binascii.Error):
        return None  # a preview is not worth a job


def _icon_of(pixels: NDArray[np.float32]) -> int:
    """Return a new icon, since Blender goes on to draw a known one as it was at first."""
    global _icons
    if _icons is None:
        _icons = bpy.utils.previews.new()
    numbers = [int(name) for name in _icons]
    icon = _icons.new(str(max(numbers, default=0) + 1))
    for number in numbers:
        del _icons[str(number)]
    height, width, _ = pixels.shape
    icon.image_size = (width, height)
    icon.image_pixels_float.foreach_set(pixels.ravel())
    icon_id: int = icon.icon_id
    return icon_id
