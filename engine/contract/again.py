"""An earlier picture's job, made again in a part of the picture alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, TypeVar

from .base_pass import has_base
from .earlier import Kept
from .geometry import Rectangle
from .job import Job, Region
from .loras import unidentified

_R = TypeVar("_R", bound=Region)


def again(
    job: Job,
    *,
    picture: str,
    regions: Sequence[str] = (),
    mask: str | None = None,
    strength: float = 0.0,
    seed: int | None = None,
    asks: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    base_prompt: str = "",
) -> Job:
    """Return the job that makes some regions of an earlier picture anew, by their names.

    What is drawn at random is drawn anew, which outside of the change changes nothing; without a
    `seed` that is too. LoRAs are the files that lie now where they lay. `asks` are fields of
    regions that are otherwise now, such as `prompt`, by the regions' names; regions that have no
    such fields keep what they have. So does the base pass without a `base_prompt`, or where the
    job has none.
    """

    def redrawn(region: _R) -> _R:
        declared = {one.name for one in fields(region)}
        other = {k: v for k, v in asks.get(region.name, {}).items() if k in declared}
        return replace(region, region_seed=None, **other)

    job = unidentified(job)
    return replace(
        job,
        seed=seed,
        regions=tuple(map(redrawn, job.regions)),
        reroll_regions=tuple(map(redrawn, job.reroll_regions)),
        base_prompt=base_prompt if base_prompt and has_base(job) else job.base_prompt,
        kept=Kept(picture=picture, regions=tuple(regions), mask=mask, strength=strength),
    )


def changed_bounds(job: Job) -> Sequence[Rectangle] | None:
    """Return the rectangles outside of which an earlier picture stays; None where any may change.

    What a mask leaves of them is not known here.
    """
    if job.kept is None or not job.kept.regions:
        return None
    return [region for region in job.regions if region.name in job.kept.regions]
