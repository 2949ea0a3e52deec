"""What a scene's job would be now, for panels and the overlay: read again only after a change."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..backend import engine
from ..contract import EngineError, Problem
from ..job.controls.pictures import ScenePicture
from ..job.job_from_scene import SceneJob, job_from_scene
from ..job.regions.annotations import fingerprint_of_layer, layers_of
from ..job.regions.belonging import held_by
from ..job.regions.differences import settings_for_renders
from ..job.regions.entries import Source, sources, sync
from ..job.regions.mask_coverage import Coverage, forget_coverage, mask_coverage
from ..job.regions.shapes import has_mask_picture
from ..job.regions.sight import Aside
from ..job.regions.silhouettes import SHOWN_PARTS
from ..job.regions.twins import is_echo
from ..job.regions.warming import Warming
from ..properties import (
    LISTS,
    CanvasSettings,
    RegionSettings,
    canvas_settings,
    region_settings,
    values_of,
)
from ..results.live import Seen, live

_SHARE_OF_TIME = 0.2
"""The part of the time that may go into reading scenes while they change without a pause."""
_SOON_S = 0.02
_A_LITTLE_S = 0.008
_WHILE_RENDERING_S = 0.5
_LOOK_ALIKE = (bpy.types.Material, bpy.types.NodeTree, bpy.types.Light, bpy.types.World)
"""What changes no job, however it changes."""
_REGION_SETTINGS = tuple(RegionSettings.__annotations__)
_OF_NO_JOB = frozenset(
    {
        *("settings_of", "defaults_version", "regions", "chosen_region", "active_region"),
        *("result", "result_seed", "show_overlay", "show_preview", "show_result"),
    }
)
_CANVAS_SETTINGS = tuple(name for name in CanvasSettings.__annotations__ if name not in _OF_NO_JOB)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CachedJob:
    """What came of reading a scene; the same one as long as it would be the same."""

    job: SceneJob | None = None
    error: EngineError | None = None
    """Why there is no job."""

    masks: Mapping[str, Coverage] = field(default_factory=dict)
    """What the masks of regions cover, by the regions' ids."""
    silhouettes: Mapping[str, Coverage] = field(default_factory=dict)
    """What of its rectangle each region covers that has a silhouette, by its id."""
    has_groups: bool = False
    """Whether a region is made of several objects."""
    shapes: int | None = None
    """Where the scene itself is drawn for controls: which of its shapes, counted."""

    def problems_of(self, id_: str) -> tuple[Problem, ...]:
        """Return what is wrong or doubtful about a region."""
        return self.job.problems_of(id_) if self.job else ()

    def is_like(self, other: CachedJob) -> bool:
        """Return whether two readings say the same."""
        same_shapes = _are_like(self.masks, other.masks) and _are_like(
            self.silhouettes, other.silhouettes
        )
        same_shapes &= self.shapes == other.shapes
        return same_shapes and self.job == other.job and str(self.error) == str(other.error)


def _are_like(some: Mapping[str, NDArray[Any]], others: Mapping[str, NDArray[Any]]) -> bool:
    return some.keys() == others.keys() and all(
        np.array_equal(coverage, others[id_]) for id_, coverage in some.items()
    )


_NOTHING = CachedJob()
_Settings = tuple[Any, ...]

_cached: dict[int, CachedJob] = {}
_settings: dict[int, _Settings] = {}
_stale: set[int] = set()
_wanted: dict[int, tuple[str, str]] = {}
_asides: defaultdict[int, Aside] = defaultdict(Aside)
_warmings: defaultdict[int, Warming] = defaultdict(Warming)
_changes = _shapes = 0
"""Count what may have changed any job, and what may have changed what is seen of a scene."""
_changed_s = _rest_until_s = 0.0
_looks_aside = not bpy.app.background


def last_cached_job(scene: bpy.types.Scene) -> CachedJob:
    """Return what a scene's job was when it was last read."""
    return _cached.get(scene.session_uid, _NOTHING)


def cached_job(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> CachedJob:
    """Return what a scene's job was when it was last read; what has changed is read soon after."""
    global _changed_s
    key: int = scene.session_uid
    settings = _settings_of(scene)  # which change without an update of Blender's
    is_set_otherwise = _settings.get(key) != settings
    if is_set_otherwise:
        _changed_s = time.monotonic()
    if key in _stale or key not in _cached or is_set_otherwise:
        _settings[key] = settings
        _wanted[key] = (scene.name, view_layer.name)
        if not bpy.app.timers.is_registered(_read):
            wait_s = max(0.0, _rest_until_s - time.monotonic())
            bpy.app.timers.register(_read, first_interval=wait_s)
    return _cached.get(key, _NOTHING)


def seen(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> Seen:
    """Return what a scene's job was when it was last read, for Live; have changes read soon."""
    cached, key = cached_job(scene, view_layer), scene.session_uid
    is_current = key in _cached and key not in _stale and key not in _wanted
    says = str(cached.error) if cached.error else ""

    def read() -> SceneJob | None:
        assert view_layer.depsgraph is not None
        aside = _aside_of(scene)
        found = job_from_scene(scene, view_layer.depsgraph, aside=aside)
        return None if aside is not None and aside.is_behind else found

    return Seen(
        key=cached,
        is_current=is_current,
        changed_s=_changed_s,
        job=cached.job,
        says=says,
        read=read,
    )


def _read() -> float | None:
    """Read the scenes that are shown, and have them drawn; later where a render is at work."""
    global _rest_until_s
    app: Any = bpy.app  # whose stubs know no answer
    if app.is_job_running("RENDER"):
        return _WHILE_RENDERING_S  # reading may evaluate, which must not come between
    if any(_asides[key].is_looking for key in _wanted) or _warms_up():
        return _SOON_S
    began_s, looked_s = time.monotonic(), 0.0
    is_new = False
    behind: dict[int, tuple[str, str]] = {}
    for key, (scene_name, layer_name) in _wanted.items():
        _stale.discard(key)
        scene = bpy.data.scenes.get(scene_name)
        if scene is not None and sync(scene):  # of layers Blender sends no update
            _settings[key] = _settings_of(scene)
            is_new = True
        before, now = _cached.get(key), _look_at(scene_name, layer_name)
        if before is None or not now.is_like(before):
            _cached[key] = now
            is_new = True
        if _asides[key].is_behind:
            behind[key] = (scene_name, layer_name)
        looked_s += _asides[key].looked_s
    if is_new:
        engine.redraw()
    _wanted.clear()
    _wanted.update(behind)
    if live.is_active:  # a turn of Blender's may take long, with all that is drawn in it
        live.pump()
        engine.look_now()
    if behind:  # what is being looked at now is read again then
        return _SOON_S
    ended_s = time.monotonic()
    _rest_until_s = ended_s + (ended_s - began_s) * (1 / _SHARE_OF_TIME - 1) + looked_s
    return None


def _warms_up() -> bool:
    """Have a little read of what is wanted where nothing is kept; return whether there is more."""
    for key, (scene_name, layer_name) in _wanted.items() if _looks_aside else ():
        scene = bpy.data.scenes.get(scene_name)
        layer = scene.view_layers.get(layer_name) if scene else None
        depsgraph = layer.depsgraph if layer else None
        if scene is None or depsgraph is None:
            continue
        if _warmings[key].goes_on(scene, depsgraph, _A_LITTLE_S):
            return True
    return False


def _settings_of(scene: bpy.types.Scene) -> _Settings:
    canvas = canvas_settings(scene)
    found = sources(scene)
    regions = (
        (
            source.name,
            *(_value(source.settings, name) for name in _REGION_SETTINGS),
            *(settings_for_renders(source.object) if source.object else ()),
            *(held_by(source.group) if source.group else ()),
        )
        for source in found
    )
    return (
        *(_value(canvas, name) for name in _CANVAS_SETTINGS),
        *regions,
        *_drawn_on_layers(scene, found),
        len(canvas.regions),
    )


def _drawn_on_layers(scene: bpy.types.Scene, found: Sequence[Source]) -> Iterator[int]:
    names = [source.layer for source in found if source.layer and source.settings.enabled]
    layers = layers_of(scene) if names else {}
    return (fingerprint_of_layer(layers[name], scene.frame_current) for name in names)


def _value(settings: Any, name: str) -> Any:
    value = getattr(settings, name)
    if name in LISTS:
        return values_of(value)
    return value.name_full if isinstance(value, bpy.types.ID) else value


def _look_at(scene_name: str, layer_name: str) -> CachedJob:
    scene = bpy.data.scenes.get(scene_name)
    layer = scene.view_layers.get(layer_name) if scene else None
    depsgraph = layer.depsgraph if layer else None
    if scene is None or depsgraph is None:
        return _NOTHING
    try:
        job = job_from_scene(scene, depsgraph, aside=_aside_of(scene))
    except EngineError as error:
        return CachedJob(error=error)
    draws_scene = any(isinstance(one, ScenePicture) for one in job.images.values())
    # A datablock must not be kept.
    return CachedJob(
        shapes=_shapes if draws_scene else None,
        job=replace(job, images={}, silhouettes={}),
        masks=dict(_masks_of(scene)),
        silhouettes={
            id_: seen.small(SHOWN_PARTS).astype(float) for id_, seen in job.silhouettes.items()
        },
        has_groups=any(source.group is not None for source in sources(scene)),
    )


def _aside_of(scene: bpy.types.Scene) -> Aside | None:
    """Return what looks at a scene's silhouettes; without a window somebody waits for them."""
    if not _looks_aside:
        return None
    key: int = scene.session_uid
    aside = _asides[key]
    aside.moment, aside.is_behind = (_changes, _settings.get(key)), False
    return aside


def _masks_of(scene: bpy.types.Scene) -> Iterator[tuple[str, Coverage]]:
    for source in sources(scene):
        if has_mask_picture(source.settings) and source.settings.mask is not None:
            yield source.id, mask_coverage(source.settings.mask)


def _matters(update: bpy.types.DepsgraphUpdate) -> bool:
    changed: Any = update.id
    if isinstance(changed, _LOOK_ALIKE):
        return False
    if not isinstance(changed, bpy.types.Object) or changed.type == "CAMERA":
        return True
    return region_settings(changed).enabled or any(
        cached.silhouettes  # which anything may hide
        or cached.has_groups  # which anything may come to
        or cached.shapes is not None
        or (cached.job is not None and changed.name in cached.job.names.values())
        for cached in _cached.values()
    )


def _after_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Note that something has changed, and have it drawn where it is seen.

    A render calls this from its own thread.
    """
    global _shapes
    if is_echo():
        return
    updates: Any = depsgraph.updates
    for update in updates:
        if isinstance(update.id, bpy.types.Image):
            forget_coverage(update.id)
    if any(update.is_updated_geometry or update.is_updated_transform for update in updates):
        _shapes += 1
    if _cached.keys() - _stale and any(_matters(update) for update in updates):
        _note_change()
        if depsgraph.mode == "VIEWPORT":
            engine.redraw()


def _note_change() -> None:
    global _changes, _changed_s
    _changes, _changed_s = _changes + 1, time.monotonic()
    _stale.update(_cached)


def _after_change(*_: Any) -> None:
    global _shapes
    _shapes += 1
    _note_change()


def _after_load(*_: Any) -> None:
    for kept in (_cached, _stale, _settings, _wanted, _asides, _warmings):
        kept.clear()


def unregister() -> None:
    """Forget everything."""
    _after_load()


HANDLERS = {
    "depsgraph_update_post": _after_update,
    "frame_change_post": _after_change,
    "undo_post": _after_change,
    "redo_post": _after_change,
    "load_post": _after_load,
}
TIMERS = (_read,)
