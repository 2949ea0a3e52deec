"""Which frames an image has, for whatever shows it: each user of a sequence counts for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

_FRAMES = "mixdiff_frames"

Extent = tuple[int, int]
"""The first and the last number of a sequence's files."""


def set_extent(image: Any, extent: Extent | None) -> None:
    """Say which frames an image has, None where it is a still, and have all that show it follow."""
    if extent is not None:
        image[_FRAMES] = list(extent)
    elif _FRAMES in image:
        del image[_FRAMES]
    follow(image)


def extent_of(image: Any) -> Extent | None:
    """Return which frames an image has; None for a still."""
    found = image.get(_FRAMES) if image.source == "SEQUENCE" else None
    try:
        first, last = map(int, found or ())
    except (TypeError, ValueError, OverflowError):
        return None
    return first, last


def follow(image: bpy.types.Image) -> None:
    """Have everything that shows an image show its frames by their numbers.

    Before the first frame and after the last one these stand still.
    """
    extent = extent_of(image)
    if extent is None:
        return  # a still needs no more than its image
    for user in _users(image):
        show_frames(user, extent)


def show_frames(user: Any, extent: Extent) -> None:
    """Have one user of an image show a sequence's frames by their numbers."""
    first, last = extent
    wanted = {
        **{"frame_start": first, "frame_duration": last - first + 1, "frame_offset": first - 1},
        **{"use_cyclic": False, "use_auto_refresh": True},
    }
    for name, value in wanted.items():
        if getattr(user, name) != value:  # Blender takes every assignment for a change
            setattr(user, name, value)


def _users(image: bpy.types.Image) -> Iterator[Any]:
    """Yield what counts the frames wherever an image is shown."""
    for tree in _trees():
        for node in tree.nodes:
            if getattr(node, "image", None) == image:
                # The compositor's nodes count for themselves.
                yield getattr(node, "image_user", node)
    for camera in bpy.data.cameras:
        for background in camera.background_images:
            if background.image == image:
                yield background.image_user
    objects: Any = bpy.data.objects
    for obj in objects:
        if obj.type == "EMPTY" and obj.data == image:
            yield obj.image_user
    screens: Any = bpy.data.screens
    for screen in screens:
        for area in screen.areas:
            for space in area.spaces:
                if space.type == "IMAGE_EDITOR" and space.image == image:
                    yield space.image_user


def _trees() -> Iterator[Any]:
    data: Any = bpy.data
    owners = (data.materials, data.worlds, data.lights, data.scenes, data.textures)
    trees = [getattr(owner, "node_tree", None) for each in owners for owner in each]
    for tree in (*trees, *data.node_groups):
        if tree is not None and tree.library is None:
            yield tree
