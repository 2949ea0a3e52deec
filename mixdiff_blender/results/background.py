"""The picture as the camera's background, seen in the viewport and never rendered."""

from __future__ import annotations

from typing import Any, Literal

import bpy

Depth = Literal["BACK", "FRONT"]


def depth_in(image: bpy.types.Image, camera: bpy.types.Camera) -> str:
    """Return the depth at which a camera's view shows an image; empty where it does not."""
    shown: Any = camera.background_images
    found = (b for b in shown if b.image == image and b.show_background_image)
    return next((str(b.display_depth) for b in found), "") if camera.show_background_images else ""


def take_out_of_camera_view(image: bpy.types.Image, camera: bpy.types.Camera) -> None:
    """Take an image out of a camera's view; other background images stay."""
    backgrounds: Any = camera.background_images
    for background in [b for b in backgrounds if b.image == image]:
        backgrounds.remove(background)
    camera.show_background_images = len(backgrounds) > 0
    camera.update_tag()


def put_behind_camera_view(
    image: bpy.types.Image, camera: bpy.types.Camera, depth: Depth = "BACK"
) -> None:
    """Show an image in a camera's view, filling its frame exactly.

    Other background images of the camera stay; one that shows the same image is used again.
    """
    backgrounds: Any = camera.background_images
    shown = [background for background in backgrounds if background.image == image]
    background = shown[0] if shown else backgrounds.new()
    for surplus in shown[1:]:
        backgrounds.remove(surplus)
    camera.show_background_images = True
    background.source = "IMAGE"
    background.image = image
    background.show_background_image = True
    background.alpha = 1.0 if depth == "BACK" else 0.5
    background.display_depth = depth
    background.frame_method = "STRETCH"
    background.offset = (0.0, 0.0)
    background.rotation = 0.0
    background.scale = 1.0
    background.use_flip_x = background.use_flip_y = False
    camera.update_tag()
