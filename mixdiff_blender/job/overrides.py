"""What a call sets instead of the scene, for that call alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypedDict

import bpy

from ..contract import (
    BUNDLED_MODEL,
    WRAPS,
    Choice,
    EngineError,
    Lora,
    PresetFile,
    is_there,
    lora_of_text,
    path_in,
)
from ..properties import RENDER_SIZE, canvas_settings
from ..storage import folders
from .frames import frame_now, go_to
from .naming import find_name
from .presets import find_preset, used_for_now

_KEYS = {"seed": "seed", "steps": "num_inference_steps", "model": "model"}


class Overrides(TypedDict, total=False):
    """What may be set for one call, instead of what the scene says; the scene keeps its own."""

    seed: int
    steps: int
    model: str
    """A folder, a .safetensors file, a hub id, or `bundled`."""
    size: tuple[int, int]
    """Width and height in pixels."""
    wrap: str
    """Which ways the picture repeats: `x`, `y`, `both`, or `none`."""
    frame: float
    """A frame, or a time between two such as 10.5."""
    camera: str | bpy.types.Object
    preset: str | PresetFile
    """A preset by its name, or its file; what else is set goes before it."""
    loras: Sequence[str | tuple[str, float]]
    """LoRAs of the whole picture beside the scene's: `file`, `file:0.8` or `("file", 0.8)`, where a
    file may be a name on the hub."""


def changes_of(overrides: Overrides) -> dict[str, Any]:
    """Return what a call sets of the job itself."""
    given: Mapping[str, Any] = overrides
    changes = {key: given[name] for name, key in _KEYS.items() if given.get(name) is not None}
    if "model" in changes:
        changes["model"] = _weights(str(changes["model"]))
    if loras := given.get("loras"):
        changes["loras"] = tuple(map(_lora, loras))
    return changes


def _lora(given: str | tuple[str, float]) -> Lora:
    lora = lora_of_text(given) if isinstance(given, str) else Lora(lora=given[0], weight=given[1])
    return replace(lora, lora=_weights(lora.lora))


def _weights(name: str) -> str:
    """Return a model or a LoRA; a path starts where Blender did, or with // beside the .blend."""
    if name.startswith("//"):
        return str(folders.absolute(name, bpy.data.filepath))
    path = path_in(Path.cwd(), name)
    return str(path) if name != BUNDLED_MODEL and is_there(path) else name


@contextmanager
def overridden(scene: bpy.types.Scene, overrides: Overrides) -> Iterator[bpy.types.Depsgraph]:
    """Have a scene look as a call wants it, and give back its own looks."""
    camera, size, frame = overrides.get("camera"), overrides.get("size"), overrides.get("frame")
    if isinstance(camera, str):
        cameras = {o.name: o for o in scene.objects if o.type == "CAMERA"}
        camera = find_name("camera", camera, cameras)
    with ExitStack() as stack:
        if preset := overrides.get("preset"):
            stack.enter_context(used_for_now(scene, find_preset(preset).preset))
        # Only what is asked for is touched: Blender takes every assignment for a change.
        if size is not None:
            render = scene.render
            names = ("resolution_x", "resolution_y", "resolution_percentage")
            settings = canvas_settings(scene)
            stack.callback(setattr, settings, "canvas_size", settings.canvas_size)
            settings.canvas_size = RENDER_SIZE
            for name, value in zip(names, (*size, 100), strict=True):
                stack.callback(setattr, render, name, getattr(render, name))
                setattr(render, name, value)
        if (wrap := overrides.get("wrap")) is not None:
            if complaint := Choice(WRAPS).complaint(wrap):
                raise EngineError(f"wrap: {complaint.message}", kind="job", advice=complaint.remedy)
            settings = canvas_settings(scene)
            stack.callback(setattr, settings, "wrap", settings.wrap)
            settings.wrap = wrap
        if camera is not None:
            stack.callback(setattr, scene, "camera", scene.camera)
        if frame is not None:
            stack.callback(_look_through, scene, scene.camera)  # markers may bind another one
            stack.callback(go_to, scene, frame_now(scene))
            go_to(scene, Fraction(str(frame)))
        if camera is not None:
            scene.camera = camera  # after the frame, whose markers may bind another one
        yield depsgraph_of(scene)


def _look_through(scene: bpy.types.Scene, camera: bpy.types.Object | None) -> None:
    if scene.camera != camera:
        scene.camera = camera


def depsgraph_of(scene: bpy.types.Scene) -> bpy.types.Depsgraph:
    """Return a scene as it is evaluated now, whether or not it is the one that is worked on."""
    if scene == bpy.context.scene:
        return bpy.context.evaluated_depsgraph_get()
    layer = scene.view_layers[0]
    layer.update()
    assert layer.depsgraph is not None
    return layer.depsgraph
