"""What holds the frames of a shot together: noise on surfaces, or the last frame carried along."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..contract import (
    EngineError,
    Image2ImageRegion,
    Job,
    Region,
    atomic_write,
    resolve_random,
    with_unique_names,
)
from ..job.regions.camera import canvas_of
from ..job.regions.seen_surfaces import SeenSurfaces, carried
from ..properties import canvas_settings
from ..storage.images import png_of, values_of_file
from .generation import PendingJob

CARRIED = "carried"
_NOISE_MAP = "noise-map.png"
_EDGE_PX = 2


@dataclass(slots=True, kw_only=True)
class Coherence:
    """Remembers what was seen at the frame before."""

    number: int | None = None
    seen: SeenSurfaces | None = None
    size: tuple[int, int] = (0, 0)

    def see(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, number: int) -> None:
        """Look at a frame, unless it is the one that was looked at last."""
        if self.number != number:
            canvas = canvas_of(scene)
            self.size = (canvas.height_px, canvas.width_px)
            self.seen = SeenSurfaces.of(scene, depsgraph, *self.size)
            self.number = number

    def applied(
        self,
        scene: bpy.types.Scene,
        depsgraph: bpy.types.Depsgraph,
        read: PendingJob,
        number: int,
        before: tuple[int, Path] | None,
    ) -> Job:
        """Return a frame's job with what the scene's settings hold together; its files are written.

        `before` is the frame before, and its picture.

        Raises: EngineError of kind `job` without a camera; of kind `picture` where the frame before
        is not there.
        """
        settings, job = canvas_settings(scene), read.job
        if settings.coherence == "still":
            return job
        size = (job.canvas_height, job.canvas_width)
        now = SeenSurfaces.of(scene, depsgraph, *size)
        _write(now.noise_colours(), read.folder / _NOISE_MAP)
        job = replace(job, noise_map=_NOISE_MAP)
        if settings.coherence == "surfaces":
            return job
        earlier = self.seen if before and self.number == before[0] and self.size == size else None
        self.number, self.seen, self.size = number, now, size
        if before is None or earlier is None:
            return job
        picture = _levels(before[1], size)
        rows, columns, is_seen = now.came_from(earlier)
        _write(carried(picture, rows, columns), read.folder / "carried.png")
        held = np.repeat(_shrunk(is_seen)[..., None] * np.uint8(255), 3, axis=2)
        _write(held, read.folder / "carried-mask.png")
        region = Image2ImageRegion(
            row_init=0,
            row_end=size[0],
            col_init=0,
            col_end=size[1],
            name=CARRIED,
            id=CARRIED,
            reference_image="carried.png",
            strength=float(f"{settings.carried_strength:.6g}"),  # from Blender's 32 bits
            mask="carried-mask.png",
            mask_area="canvas",
        )
        return with_unique_names(replace(job, regions=(region, *job.regions)))


def _shrunk(is_seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what is seen without its edges, whose colours are those of two surfaces."""
    for axis in (0, 1):
        for step in range(1, _EDGE_PX + 1):
            is_seen = is_seen & np.roll(is_seen, step, axis) & np.roll(is_seen, -step, axis)
    return is_seen


def _levels(file: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    levels = values_of_file(file)
    if levels.shape[:2] != size:
        raise EngineError(
            f"{file} is not as large as the frame that goes on from it",
            kind="picture",
            advice="make the shot anew (Range), without resuming",
        )
    return levels


def _write(colours: NDArray[np.uint8], path: Path) -> None:
    with atomic_write(path) as file:
        file.write(png_of(np.ascontiguousarray(colours)))


def coherent(job: Job) -> Job:
    """Return a job with what was left to chance drawn from its seed: the same in all frames.

    Regions are known by their ids, so that one that comes into view changes no other.
    """

    def drawn(region: Region, **alone: Any) -> Job:
        draw = random.Random(f"{job.seed} {region.id or region.name}")  # noqa: S311
        return resolve_random(replace(job, **alone), draw)

    return replace(
        job,
        regions=tuple(drawn(r, regions=(r,), reroll_regions=()).regions[0] for r in job.regions),
        reroll_regions=tuple(
            drawn(r, regions=(), reroll_regions=(r,)).reroll_regions[0] for r in job.reroll_regions
        ),
    )
