"""The picture as the camera's background, seen in the viewport and never rendered."""

from __future__ import annotations

from typing import Any, Literal

import bpy

Depth = Literal["BACK", "FRONT"]


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
