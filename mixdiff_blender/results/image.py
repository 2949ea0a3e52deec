"""The picture as an image datablock."""

from __future__ import annotations

from pathlib import Path

import bpy

from .files import in_file

IMAGE_NAME = "MixDiff"


def show_picture(scene: bpy.types.Scene, path: Path) -> bpy.types.Image:
    """Load a picture as the scene's result; a second one takes the first one's datablock.

    While the file is unsaved the picture is packed, so that saving it loses nothing.
    """
    image = scene.mixdiff.result
    if image is None:
        image = bpy.data.images.load(str(path))
        image.name = IMAGE_NAME
        scene.mixdiff.result = image
    else:
        if image.packed_file:
            image.unpack(method="REMOVE")
        image.source = "FILE"
        image.filepath = str(path)
        image.reload()
    image.colorspace_settings.name = "sRGB"
    image.filepath = in_file(path)
    if not bpy.data.filepath:
        image.pack()
    return image
