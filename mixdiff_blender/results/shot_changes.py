"""What of a scene is other than it was when frames of a shot were made, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import bpy

from ..contract import EngineError, Job, Rectangle, Region, read_job, to_document
from ..job.job_from_scene import job_from_scene
from ..job.overrides import overridden
from ..properties import canvas_settings
from ..properties.declarations import label_of
from ..storage import folders
from .coherence import CARRIED, coherent
from .documents import job_in_full
from .shot_record import ShotRecord
from .sources import with_kept_sources

_SIDES = frozenset(field.name for field in fields(Rectangle))
_APART = frozenset({"regions", "reroll_regions", "noise_map", "canvas_height", "canvas_width"})
_TOGETHER = "Holding Together"
_LONGEST = 24  # letters of a value


def differences(then: Job, now: Job) -> tuple[str, ...]:
    """Return what of a job is other than it was, as panels call it."""
    return tuple(dict.fromkeys(_differences(then, now)))


def changes_since(scene: bpy.types.Scene, record: ShotRecord) -> tuple[str, ...]:
    """Return what a scene says otherwise now than when the first frame was made that is there.

    Nothing where that cannot be told: what is wrong is said once the frame is painted.
    """
    there = record.there
    if not there:
        return ()
    times = dict(zip(record.frames.numbers, record.frames.times, strict=True))
    file = record.file(there[0])
    try:
        with overridden(scene, {"frame": float(times[there[0]])}) as depsgraph:
            read = job_from_scene(scene, depsgraph, changes={"seed": record.seed}).or_raise()
        folder = folders.new_job_folder()
        read.write_images(folder)
        job = with_kept_sources(coherent(read.job), folder, folder)
        now = job_in_full(to_document(job), file.parent)
        then = job_in_full(read_job(file), file.parent)
    except EngineError:
        return ()
    is_still = canvas_settings(scene).coherence == "still"
    held = () if is_still == (then.noise_map is None) else (_TOGETHER,)
    found = differences(_without_what_holds(then), _without_what_holds(now))
    return (*held, *found)


def _without_what_holds(job: Job) -> Job:
    regions = tuple(region for region in job.regions if region.id != CARRIED)
    return replace(job, regions=regions, noise_map=None)


def _differences(then: Job, now: Job) -> Iterator[str]:
    if (then.canvas_height, then.canvas_width) != (now.canvas_height, now.canvas_width):
        sizes = (f"{job.canvas_width} × {job.canvas_height}" for job in (then, now))
        yield f"Size {' → '.join(sizes)}"
    if then.noise_map != now.noise_map:
        yield _TOGETHER
    yield from _fields(then, now, _APART)
    before, after = (
        {region.id or region.name: region for region in job.all_regions} for job in (then, now)
    )
    for key in before.keys() - after.keys():
        yield _TOGETHER if key == CARRIED else f"{before[key].name} is gone"
    for key, region in after.items():
        if key not in before:
            yield _TOGETHER if key == CARRIED else f"{region.name} is new"
        elif key == CARRIED and before[key] != region:
            yield "the frame before"
        else:
            yield from (f"{region.name}: {what}" for what in _of_region(before[key], region))


def _of_region(then: Region, now: Region) -> Iterator[str]:
    if type(then) is not type(now):
        yield "Type"
        return
    if then.bounds != now.bounds:
        yield "place"
    yield from _fields(then, now, _SIDES)


def _fields(then: Any, now: Any, without: frozenset[str]) -> Iterator[str]:
    for field in fields(now):
        before, after = getattr(then, field.name), getattr(now, field.name)
        if field.name not in without and before != after:
            texts = [_text(before), _text(after)]
            yield " ".join([label_of(field.name), " → ".join(texts) if all(texts) else ""]).strip()


def _text(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if isinstance(value, int | float | str) and len(text) <= _LONGEST else ""
