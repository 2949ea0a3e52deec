"""The original's grid configuration: rows and columns of prompts, read as a canvas of tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from .geometry import SIDES
from .job import GUIDANCE, Job, RerollRegion, Settings, Text2ImageRegion
from .kinds import OrNone, Whole, spec

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
class Grid(Settings):
    """A grid of tiles with a prompt each; tables are rows of columns."""

    guidance_scale: float | None = spec(
        OrNone(GUIDANCE, "a random one"), "Guidance of tiles without one of their own", default=7.5
    )
    tile_height: int = spec(Whole(1), "Height of a tile in pixels", default=512)
    tile_width: int = spec(Whole(1), "Width of a tile in pixels", default=512)
    tile_row_overlap: int = spec(Whole(0), "Pixels shared by one row and the next", default=256)
    tile_col_overlap: int = spec(Whole(0), "Pixels shared by one column and the next", default=256)
    prompt: tuple[tuple[str, ...], ...]
    guidance_scale_tiles: tuple[tuple[float | None, ...], ...]
    seed_tiles: tuple[tuple[int | None, ...], ...]
    seed_tiles_mode: tuple[tuple[str, ...], ...]

    @property
    def canvas_height(self) -> int:
        """Height of the canvas in pixels."""
        return self._rows(len(self.prompt) - 1)[1]

    @property
    def canvas_width(self) -> int:
        """Width of the canvas in pixels."""
        return self._columns(len(self.prompt[0]) - 1)[1]

    def _rows(self, index: int) -> tuple[int, int]:
        top = index * (self.tile_height - self.tile_row_overlap)
        return top, top + self.tile_height

    def _columns(self, index: int) -> tuple[int, int]:
        left = index * (self.tile_width - self.tile_col_overlap)
        return left, left + self.tile_width

    def _tiles(self) -> Iterator[Text2ImageRegion]:
        for row, prompts in enumerate(self.prompt):
            for column, prompt in enumerate(prompts):
                own = self.guidance_scale_tiles[row][column]
                yield Text2ImageRegion(
                    **_sides(self._rows(row), self._columns(column)),
                    prompt=prompt,
                    guidance_scale=self.guidance_scale if own is None else own,
                )

    def _reseeded_tiles(self) -> Iterator[RerollRegion]:
        for row, seeds in enumerate(self.seed_tiles):
            for column, seed in enumerate(seeds):
                (top, bottom), (left, right) = self._rows(row), self._columns(column)
                if self.seed_tiles_mode[row][column] == "exclusive":
                    # Without what a tile shares with the rows and columns beside it.
                    top += self.tile_row_overlap if row > 0 else 0
                    bottom -= self.tile_row_overlap if row < len(self.prompt) - 1 else 0
                    left += self.tile_col_overlap if column > 0 else 0
                    right -= self.tile_col_overlap if column < len(seeds) - 1 else 0
                if seed is not None and top < bottom and left < right:
                    sides = _sides((top, bottom), (left, right))
                    yield RerollRegion(**sides, region_seed=seed)

    def to_job(self, rerolls: tuple[RerollRegion, ...]) -> Job:
        """Return the canvas of gaussian tiles that the grid describes, with further rerolls."""
        settings = {declared.name: getattr(self, declared.name) for declared in fields(Settings)}
        return Job(
            **settings,
            canvas_height=self.canvas_height,
            canvas_width=self.canvas_width,
            regions=tuple(self._tiles()),
            reroll_regions=(*self._reseeded_tiles(), *rerolls),
        )


def _sides(rows: tuple[int, int], columns: tuple[int, int]) -> dict[str, Any]:
    return dict(zip(SIDES, (*rows, *columns), strict=True))
