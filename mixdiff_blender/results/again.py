"""A part of a result made anew, with all around it as it is."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import bpy

from ..backend import engine, measured
from ..backend.progress import Estimate
from ..contract import EngineError, Job, Rectangle, Text2ImageRegion, again
from ..job.job_from_scene import job_from_scene
from ..job.model_facts import facts_of_model
from ..properties import HistoryEntry
from ..storage import folders
from . import generation, history
from .change_masks import Mask, write_change
from .documents import job_of
from .generation import Then

_ASKED = ("prompt", "negative_prompt", "guidance_scale", "loras")


def chosen_names(job: Job, keys: Collection[str]) -> tuple[str, ...]:
    """Return the names of a job's regions, of which ids or names are given."""
    return tuple(r.name for r in job.regions if r.id in keys or r.name in keys)


def begin(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    entry: HistoryEntry,
    regions: Collection[str] = (),
    *,
    mask: Mask | Path | None = None,
    strength: float = 0.0,
    seed: int | None = None,
    prompt: str | None = None,
    output: Path | None = None,
    then: Then | None = None,
) -> None:
    """Begin to make a part of a result anew; everything outside stays the same bytes.

    Regions are given by their ids or names. With a mask alone, what it covers is made anew; with
    both, what it covers of the regions. Prompts and guidance of what is made anew are the scene's
    as they are now, where its region is still there, or `prompt`; where regions lie is the
    result's. Without a seed one is drawn.

    Raises: EngineError where it cannot begin.
    """
    file, job = history.own_file(entry), job_of(entry)
    names = chosen_names(job, regions)
    if regions and not names:
        raise EngineError(
            f"none of these is a region of {entry.name}",
            kind="job",
            advice=f"choose one of: {', '.join(r.name for r in job.regions)}",
        )
    if not names and mask is None:
        raise EngineError(
            "nothing is chosen to be made again",
            kind="job",
            advice="select regions' objects, draw a lasso, or paint a mask",
        )
    made_anew = names or tuple(region.name for region in job.text_regions)
    asks, base_prompt = _asked_now(scene, depsgraph, job, made_anew)
    if prompt is not None:
        asks |= {name: {**asks.get(name, {}), "prompt": prompt} for name in made_anew}
    what = f"{', '.join(names) or 'a part'} again"
    pending = generation.from_result(scene, entry, job, what)
    changed = again(
        pending.job,
        picture=file.name,
        regions=names,
        mask=None if mask is None else str(_mask_file(mask)),
        strength=float(f"{strength:.6g}"),  # from Blender's 32 bits
        seed=seed,
        asks=asks,
        base_prompt=base_prompt,
    )
    generation.send(scene, generation.changed(pending, changed), output=output, then=then)


def estimate(
    entry: HistoryEntry, regions: Collection[str], bounds: Rectangle | None = None
) -> Estimate | None:
    """Return what it will take to make a part of a result anew, where anything tells.

    `bounds` are those of a mask.

    Raises: EngineError of kind `job` where the result's job cannot be read.
    """
    job = history.with_own_model(entry, job_of(entry))
    changed = again(job, picture="-", regions=chosen_names(job, regions))
    stride_px = facts_of_model(job.model or "").family.stride_px
    within = None if bounds is None else [bounds]
    is_loaded = engine.session.has_model
    return measured.estimate(changed, stride_px, is_loaded=is_loaded, changed=within)


def _mask_file(mask: Mask | Path) -> Path:
    if isinstance(mask, Path):
        return mask
    path = folders.new_job_folder() / "change.png"
    write_change(mask, path)
    return path


def _asked_now(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, job: Job, names: Collection[str]
) -> tuple[dict[str, dict[str, Any]], str]:
    """Return what the scene asks now: of regions, by their names in a result's job, and of all."""
    try:
        read = job_from_scene(scene, depsgraph)
    except EngineError:
        return {}, ""  # the scene has none of them any more
    found = {}
    for region in job.text_regions:
        now = read.region(region.id) if region.id and region.name in names else None
        if isinstance(now, Text2ImageRegion):
            found[region.name] = {name: getattr(now, name) for name in _ASKED}
    return found, read.job.base_prompt
