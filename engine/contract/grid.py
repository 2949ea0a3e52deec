"""The original's grid configuration: rows and columns of prompts, read as a canvas of tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from .geometry import Rectangle
from .job import GUIDANCE, MAX_STEPS, SEED, VERSION, Job, RerollRegion, Text2ImageRegion
from .kinds import Choice, Flag, ModelName, OrNone, Text, Whole, spec
from .schedulers import SCHEDULERS

SEED_TILES_MODES = ("full", "exclusive")

# The original's files say gc and steps where its pipeline's arguments are the longer names.
ALIASES = {
    "gc": "guidance_scale",
    "gc_tiles": "guidance_scale_tiles",
    "steps": "num_inference_steps",
}
# The original's own logs, which serve as configurations too, name the commit that made the picture.
IGNORED = frozenset({"git_commit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reroll:
    """A part of the canvas whose start is drawn from a seed of its own."""

    row_init: int
    row_end: int
    col_init: int
    col_end: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A grid of tiles with a prompt each; tables are rows of columns."""

    prompt: tuple[tuple[str, ...], ...]
    version: int = spec(Whole(1, VERSION), "Version of the job's format", default=VERSION)
    model: str | None = spec(
        OrNone(ModelName(), "the configured model"), "The model that generates", default=None
    )
    scheduler: str | None = spec(
        OrNone(Choice(tuple(SCHEDULERS)), "the model's own"),
        "How the noise is removed",
        default=None,
    )
    num_inference_steps: int = spec(Whole(1, MAX_STEPS), "Steps from noise to picture", default=50)
    guidance_scale: float | None = spec(
        OrNone(GUIDANCE, "a random one"), "Guidance of tiles without one of their own", default=7.5
    )
    seed: int | None = spec(OrNone(SEED, "a random one"), "Seed of the canvas", default=None)
    negative_prompt: str = spec(Text(), "What to keep out of the picture", default="")
    tile_height: int = spec(Whole(1), "Height of a tile in pixels", default=512)
    tile_width: int = spec(Whole(1), "Width of a tile in pixels", default=512)
    tile_row_overlap: int = spec(Whole(0), "Pixels shared by one row and the next", default=256)
    tile_col_overlap: int = spec(Whole(0), "Pixels shared by one column and the next", default=256)
    cpu_vae: bool = spec(Flag(), "Decode on the CPU", default=False)
    guidance_scale_tiles: tuple[tuple[float | None, ...], ...] | None = None
    seed_tiles: tuple[tuple[int | None, ...], ...] | None = None
    seed_tiles_mode: str | tuple[tuple[str, ...], ...] = "full"
    seed_reroll_regions: tuple[Reroll, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return len(self.prompt)

    @property
    def columns(self) -> int:
        """Columns of tiles."""
        return len(self.prompt[0])

    @property
    def canvas_height(self) -> int:
        """Height of the canvas in pixels."""
        return self.tile_height + (self.rows - 1) * (self.tile_height - self.tile_row_overlap)

    @property
    def canvas_width(self) -> int:
        """Width of the canvas in pixels."""
        return self.tile_width + (self.columns - 1) * (self.tile_width - self.tile_col_overlap)

    def tile(self, row: int, column: int) -> Rectangle:
        """Return a tile's place on the canvas."""
        top = row * (self.tile_height - self.tile_row_overlap)
        left = column * (self.tile_width - self.tile_col_overlap)
        return Rectangle(
            row_init=top,
            row_end=top + self.tile_height,
            col_init=left,
            col_end=left + self.tile_width,
        )

    def exclusive_part(self, row: int, column: int) -> Rectangle | None:
        """Return the part of a tile that no other tile touches, or None where there is none."""
        tile = self.tile(row, column)
        rows = [self.tile(other, 0) for other in range(self.rows) if other != row]
        columns = [self.tile(0, other) for other in range(self.columns) if other != column]
        part = Rectangle(
            row_init=max([tile.row_init, *(r.row_end for r in rows if r.row_init < tile.row_init)]),
            row_end=min([tile.row_end, *(r.row_init for r in rows if r.row_init > tile.row_init)]),
            col_init=max(
                [tile.col_init, *(c.col_end for c in columns if c.col_init < tile.col_init)]
            ),
            col_end=min(
                [tile.col_end, *(c.col_init for c in columns if c.col_init > tile.col_init)]
            ),
        )
        return part if part.height_px > 0 and part.width_px > 0 else None

    def _reseeded_tiles(self) -> Iterator[RerollRegion]:
        for row, seeds in enumerate(self.seed_tiles or ()):
            for column, seed in enumerate(seeds):
                mode = self.seed_tiles_mode
                mode = mode if isinstance(mode, str) else mode[row][column]
                full = mode == "full"
                part = self.tile(row, column) if full else self.exclusive_part(row, column)
                if seed is not None and part is not None:
                    yield RerollRegion(**_place(part), region_seed=seed)

    def to_job(self) -> Job:
        """Return the canvas of gaussian tiles that the grid describes."""
        own_guidance = self.guidance_scale_tiles or ((None,) * self.columns,) * self.rows
        regions = []
        for row, prompts in enumerate(self.prompt):
            for column, prompt in enumerate(prompts):
                own = own_guidance[row][column]
                regions.append(
                    Text2ImageRegion(
                        **_place(self.tile(row, column)),
                        prompt=prompt,
                        guidance_scale=self.guidance_scale if own is None else own,
                    )
                )
        rerolls = [RerollRegion(**_place(r), region_seed=r.seed) for r in self.seed_reroll_regions]
        return Job(
            version=self.version,
            model=self.model,
            scheduler=self.scheduler,
            num_inference_steps=self.num_inference_steps,
            seed=self.seed,
            canvas_height=self.canvas_height,
            canvas_width=self.canvas_width,
            negative_prompt=self.negative_prompt,
            regions=tuple(regions),
            reroll_regions=(*self._reseeded_tiles(), *rerolls),
            cpu_vae=self.cpu_vae,
        )


def _place(rectangle: Rectangle | Reroll) -> dict[str, Any]:
    return {f.name: getattr(rectangle, f.name) for f in fields(Rectangle)}
