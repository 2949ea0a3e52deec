"""How far a camera sees at each frame of a shot: an image sequence beside the shot's pictures."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy

from ..contract import atomic_write
from ..job.frames import go_to, numbered
from ..job.overrides import depsgraph_of
from ..job.regions.projection import CameraView
from ..storage import folders
from .depth_codes import DepthRange
from .depth_picture import CONTENT, as_depths, depth_png
from .sequence import set_extent
from .shot_record import PLACE, ShotRecord, hold

DEPTHS = "depth-*/depth-*.png"
"""Where they lie in a shot's folder."""
_LONGER_SIDE = 1024
_FARTHEST = 1e6  # times the nearest, of what steps of 16 bits tell apart well


def depth_sequence(scene: bpy.types.Scene, record: ShotRecord, name: str) -> bpy.types.Image | None:
    """Return an image of how far the camera saw at a shot's frames; None where no view is known.

    The scene is at another frame afterwards. What was drawn before with the same content is used
    again.

    Raises: EngineError of kind `output` where the files cannot be written.
    """
    views = {number: record.view(number) for number in record.frames.numbers}
    known = {number: view for number, view in views.items() if view is not None}
    if not known:
        return None
    kept = _range_of(list(known.values()))
    pngs: dict[int, bytes] = {}
    for time, number in zip(record.frames.times, record.frames.numbers, strict=True):
        if number in known:
            go_to(scene, time)
            drawn = depth_png(scene, depsgraph_of(scene), known[number], _LONGER_SIDE, kept)
            pngs[number] = drawn.data
    digest = hashlib.sha256(b"".join(pngs.values()) + repr(kept).encode()).hexdigest()
    images: Any = bpy.data.images
    for image in images:
        if image.get(CONTENT) == digest and image.library is None:
            return image  # type: ignore[no-any-return]
    first = _write(record, pngs)
    image = images.load(str(first))
    image.name, image.source = name, "SEQUENCE"
    as_depths(image, kept)
    image[CONTENT] = digest
    set_extent(image, (min(pngs), max(pngs)))
    if bpy.data.filepath:
        with suppress(ValueError):  # on Windows another drive has no relative path
            image.filepath_raw = bpy.path.relpath(str(first))
    return image  # type: ignore[no-any-return]


def _range_of(views: list[CameraView]) -> DepthRange:
    """Return a range that holds all that cameras see between where their views begin and end."""
    far = max(view.far for view in views)
    near = max(min(view.near for view in views), far / _FARTHEST)
    return DepthRange(near=near, ratio=max(far / near, 2.0))


def _write(record: ShotRecord, pngs: dict[int, bytes]) -> Path:
    """Write pictures into a folder of their own, and return the first one's file."""
    folder = folders.reserve_folder(record.folder, "depth")

    def file(number: int) -> Path:
        return folder / numbered(f"depth-{PLACE}.png", number)

    for number, png in pngs.items():
        with atomic_write(file(number)) as written:
            written.write(png)
    last = min(pngs)
    for number in range(min(pngs), max(pngs) + 1):
        if number in pngs:
            last = number
        else:
            hold(file(last), file(number))
    return file(min(pngs))
