"""Reads a scene into a job. Reads only: nothing of the scene changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import bpy

from .contract import errors, job, validate
from .properties import MODELS_OWN
from .regions.planes import extent_of_object
from .regions.projection import Frame, canvas_size, rectangle_of

ReferencePath = Callable[[bpy.types.Image], str]

_CANVAS_KEYS = (
    "model",
    "num_inference_steps",
    "seed",
    "negative_prompt",
    "cpu_vae",
    "decode_steps",
    "noise_device",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneJob:
    """A job's document, the objects that its regions come from, and what was noticed."""

    document: dict[str, Any]
    objects: dict[str, str]
    warnings: tuple[str, ...]

    def told(self, problem: errors.Problem) -> str:
        """Return a problem as a sentence that names the object it belongs to."""
        place = next((p for p in self.objects if problem.field.startswith(p)), None)
        return f"{self.objects[place]}: {problem}" if place else str(problem)


class SceneError(errors.EngineError):
    """A scene that gives no job."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message, kind="job", advice=advice)


def job_from_scene(
    scene: bpy.types.Scene,
    view_layer: bpy.types.ViewLayer,
    depsgraph: Any,
    reference_path: ReferencePath,
) -> SceneJob:
    """Return the job that a scene describes.

    Regions come in the order of their objects' names. `reference_path` says where the file of a
    reference picture is.

    Raises: SceneError where there is no camera, or nothing to paint.
    """
    camera = scene.camera
    if camera is None or camera.type != "CAMERA":
        raise SceneError(f"the scene {scene.name!r} has no camera", "add one and look through it")
    if camera.data.type == "PANO":
        message = f"the camera {camera.name!r} is panoramic"
        raise SceneError(message, "make it perspective or orthographic")
    stride_px = job.DEFAULT_STRIDE_PX
    render = scene.render
    resolution = (render.resolution_x, render.resolution_y)
    height, width = canvas_size(resolution, render.resolution_percentage, stride_px)
    frame = Frame.of(camera.data, scene)

    regions: list[dict[str, Any]] = []
    rerolls: list[dict[str, Any]] = []
    objects: dict[str, str] = {}
    warnings: list[str] = []
    marked = sorted((o for o in scene.objects if o.mixdiff.enabled), key=lambda o: o.name)
    for item in marked:
        if reason := _left_out(item, view_layer):
            warnings.append(f"{item.name}: left out, because it {reason}")
            continue
        extent = extent_of_object(item, camera, frame, depsgraph)
        if extent is None:
            warnings.append(f"{item.name}: left out, because the camera does not see it")
            continue
        place = rectangle_of(extent, height, width, stride_px)
        # Animated properties stand on the evaluated object.
        settings = item.evaluated_get(depsgraph).mixdiff
        if settings.type == "reroll":
            objects[f"reroll_regions[{len(rerolls)}]."] = item.name
            rerolls.append({**place, **_own_values(settings, job.RerollRegion)})
        else:
            objects[f"regions[{len(regions)}]."] = item.name
            own = _region_values(item.name, settings, reference_path)
            regions.append({"type": settings.type, **place, **own})
    document = _document(scene, height, width, regions, rerolls)
    return SceneJob(document=document, objects=objects, warnings=tuple(warnings))


def _left_out(item: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> str | None:
    if item.type not in ("MESH", "CURVE", "SURFACE", "META", "FONT"):
        return "has no surface"
    if item.hide_render:
        return "is hidden in renders"
    if item.name not in view_layer.objects:
        return f"is not in the view layer {view_layer.name!r}"
    return None


def _own_values(settings: Any, cls: type[job.Region]) -> dict[str, Any]:
    places = {f.name for f in fields(job.Rectangle)}
    return {f.name: getattr(settings, f.name) for f in fields(cls) if f.name not in places}


def _region_values(name: str, settings: Any, reference_path: ReferencePath) -> dict[str, Any]:
    if settings.type == job.Text2ImageRegion.TYPE:
        values = _own_values(settings, job.Text2ImageRegion)
        values["negative_prompt"] = settings.negative_prompt or None
        if settings.randomize_guidance:
            values["guidance_scale"] = None
        return values
    if settings.reference_image is None:
        raise SceneError(f"{name}: the region has no picture to start from", "choose one")
    values = _own_values(settings, job.Image2ImageRegion)
    values["reference_image"] = reference_path(settings.reference_image)
    return values


def _document(
    scene: bpy.types.Scene,
    height: int,
    width: int,
    regions: list[dict[str, Any]],
    rerolls: list[dict[str, Any]],
) -> dict[str, Any]:
    settings = scene.mixdiff
    document = {"version": job.VERSION, "canvas_height": height, "canvas_width": width}
    document |= {key: getattr(settings, key) for key in _CANVAS_KEYS}
    document["model"] = _model_path(settings.model)
    document["scheduler"] = None if settings.scheduler == MODELS_OWN else settings.scheduler
    return {**document, "regions": regions, "reroll_regions": rerolls}


def _model_path(name: str) -> str | None:
    """Return the model's name with Blender's `//` resolved, None where it is empty."""
    return bpy.path.abspath(name) if name.startswith("//") else name or None


def check(scene_job: SceneJob, folder: Path) -> tuple[str, ...]:
    """Return what is doubtful about a scene's job, each sentence naming its object.

    Raises: SceneError with every problem where one is an error.
    """
    checked = validate.check(scene_job.document, folder=folder)
    told = [scene_job.told(p) for p in checked.problems if p.severity == "error"]
    if not scene_job.objects:
        raise SceneError(
            "no object of this scene is a region that the camera sees",
            "select meshes and choose Object > Add as MixDiff Region",
        )
    if told:
        raise errors.EngineError("\n".join(told), kind="job")
    return (*scene_job.warnings, *(scene_job.told(p) for p in checked.warnings))
