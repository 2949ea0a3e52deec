"""A scene's control pictures as images to look at, and as files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..contract import EngineError, Region
from ..job.controls.pictures import SCENE_PICTURES, SceneLook, ScenePicture
from ..job.controls.reading import segments_of
from ..job.job_from_scene import job_from_scene
from ..job.regions.camera import canvas_of
from ..job.regions.entries import sources
from ..properties.declarations import choice_items

_KIND = "mixdiff_control"


def scene_picture(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, kind: str
) -> ScenePicture:
    """Return the control picture that a scene gives now."""
    regions: Sequence[Region] = ()
    with suppress(EngineError):  # without anything to paint there is something to see all the same
        regions = job_from_scene(scene, depsgraph).job.regions
    found = [source for source in sources(scene) if source.settings.enabled]
    look = SceneLook(scene, depsgraph, canvas_of(scene), segments_of(scene, found, regions))
    return look.picture(kind)


def show_control(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, kind: str
) -> bpy.types.Image:
    """Return the image of a scene's control picture, drawn anew; one a scene and kind.

    Raises: EngineError of kind `job` without a camera.
    """
    levels = scene_picture(scene, depsgraph, kind).levels()
    height, width, _ = levels.shape
    image: Any = shown_control(scene, kind)
    if image is None:
        (label,) = [item[1] for item in choice_items((kind,))]
        image = bpy.data.images.new(f"{scene.name} {label}", width, height)
        image[_KIND] = _key(scene, kind)
        image.alpha_mode = "NONE"
    elif tuple(image.size) != (width, height):
        image.scale(width, height)
    values = np.ones((height, width, 4), dtype=np.float32)
    values[..., :3] = levels[::-1] / np.float32(255)
    image.pixels.foreach_set(values.ravel())
    image.update()
    image.pack()
    made: bpy.types.Image = image
    made.preview_ensure()
    if made.preview is not None:
        made.preview.reload()
    return made


def shown_control(scene: bpy.types.Scene, kind: str) -> bpy.types.Image | None:
    """Return the image of a scene's control picture, where it was looked at."""
    images: Any = bpy.data.images
    key = _key(scene, kind)
    return next((one for one in images if one.get(_KIND) == key and one.library is None), None)


def write_control(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, kind: str, path: Path
) -> None:
    """Write a scene's control picture as a PNG.

    Raises: EngineError of kind `name` for a kind that no scene gives; `job` without a camera;
    `output`.
    """
    if kind not in SCENE_PICTURES:
        raise EngineError(
            f"a scene gives no control picture of the kind {kind!r}",
            kind="name",
            advice=f"use one of: {', '.join(SCENE_PICTURES)}",
        )
    scene_picture(scene, depsgraph, kind).write(path)


def _key(scene: bpy.types.Scene, kind: str) -> str:
    return f"{kind} of {scene.name_full}"
