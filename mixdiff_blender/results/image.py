"""The picture as an image datablock: one a scene, brought up to date in place."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import bpy

from ..properties import canvas_settings
from ..storage.images import file_of_image
from .sequence import Extent, extent_of, set_extent

IMAGE_NAME = "MixDiff"


def show_image(
    scene: bpy.types.Scene, path: Path, *, packed: bool, extent: Extent | None = None
) -> bpy.types.Image:
    """Return the scene's image, which shows the file's picture from now on.

    With `packed` the picture is kept in the .blend, and its file is not needed any more. With an
    `extent` it shows a sequence that begins with the file, which is never packed.
    """
    settings = canvas_settings(scene)
    image = settings.result
    if image is None or _is_anothers(image, scene):
        image = bpy.data.images.load(str(path))
        image.name = IMAGE_NAME
        settings.result = image
    _fill(image, path, packed=packed, extent=extent)
    return image


def own_image(
    scene: bpy.types.Scene, path: Path, *, packed: bool, extent: Extent | None = None
) -> bpy.types.Image:
    """Return an image that goes on showing the file's picture, whatever comes later.

    One that already does is used again.
    """
    images: Any = bpy.data.images
    followers = {canvas_settings(other).result for other in bpy.data.scenes}
    for image in images:
        if image in followers or image.library is not None or file_of(image) != path:
            continue
        if (extent is None) == (extent_of(image) is None):
            if extent is not None:
                set_extent(image, extent)
            found: bpy.types.Image = image
            return found
    made: bpy.types.Image = images.load(str(path))
    made.name = path.stem
    _fill(made, path, packed=packed, extent=extent)
    return made


def file_of(image: bpy.types.Image) -> Path | None:
    """Return the file that an image shows, or was packed from; of a sequence the first one."""
    if image.source not in ("FILE", "SEQUENCE") or not image.filepath_raw:
        return None
    return file_of_image(image)


def _is_anothers(image: bpy.types.Image, scene: bpy.types.Scene) -> bool:
    """Return whether an image is another scene's too, as when one is a copy of the other."""
    others = (other for other in bpy.data.scenes if other != scene)
    return image.library is not None or any(
        canvas_settings(other).result == image for other in others
    )


def _fill(image: bpy.types.Image, path: Path, *, packed: bool, extent: Extent | None) -> None:
    if image.packed_file:
        image.unpack(method="REMOVE")
    image.source = "FILE" if extent is None else "SEQUENCE"
    image.filepath = str(path)
    image.reload()
    set_extent(image, extent)
    _show_as_in_a_viewer(image)
    if packed and extent is None:
        image.pack()
    elif bpy.data.filepath:
        # On Windows a picture on another drive has no relative path.
        with contextlib.suppress(ValueError):
            image.filepath_raw = bpy.path.relpath(str(path))


def _show_as_in_a_viewer(image: bpy.types.Image) -> None:
    # A studio's own colour configuration may not know the name: then its choice for files stands.
    settings: Any = image.colorspace_settings
    with contextlib.suppress(TypeError):
        settings.name = "sRGB"
    image.alpha_mode = "NONE"
