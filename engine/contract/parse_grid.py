"""Reads the original's grid configuration, with every problem at the key it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import shown
from .geometry import SIDES
from .grid import ALIASES, IGNORED, SEED_TILES_MODES, Grid
from .job import GUIDANCE, SEED, Job, RerollRegion
from .kinds import Choice, Kind, OrNone, Text
from .limits import Limits
from .parse import Findings, read_fields
from .sides import check_canvas_size, check_multiple

_TABLES: dict[str, tuple[Kind, str | None]] = {
    "guidance_scale_tiles": (OrNone(GUIDANCE, "the common one"), None),
    "seed_tiles": (OrNone(SEED, "none of its own"), None),
    "seed_tiles_mode": (Choice(SEED_TILES_MODES), "full"),
}
"""What a tile may hold of each, and what all do where there is no table."""


def is_grid(document: Mapping[str, Any]) -> bool:
    """Tell a grid configuration from a job."""
    return "regions" not in document and any(k in document for k in ("prompt", "tile_height"))


def read_grid(
    document: Mapping[str, Any], grid_px: int, limits: Limits, findings: Findings
) -> Job | None:
    """Return the canvas that a grid configuration describes, or None where it is wrong."""
    written = {name: alias for alias, name in ALIASES.items() if alias in document}
    for name, alias in written.items():
        if name in document:
            message = f"means the same as {name}, which is there too"
            findings.error(alias, document[alias], message, "keep one of them")
    canonical = {ALIASES.get(k, k): v for k, v in document.items() if k not in IGNORED}
    nested = ("prompt", *_TABLES, "seed_reroll_regions")
    values = read_fields(Grid, canonical, "", findings, elsewhere=nested, written=written)
    prompt = _read_prompt(canonical.get("prompt"), findings)
    if prompt is None:
        return None
    rows, columns = len(prompt), len(prompt[0])
    values["prompt"] = prompt
    for name, (kind, common) in _TABLES.items():
        value, at = canonical.get(name), written.get(name, name)
        if value is None:
            values[name] = ((common,) * columns,) * rows
        elif isinstance(value, str) and isinstance(kind, Choice):
            findings.complain(at, value, kind.complaint(value))
            values[name] = ((value,) * columns,) * rows
        else:
            values[name] = _read_table(value, kind, at, (rows, columns), findings)
    _check_tiles(values, grid_px, findings)
    if findings.has_errors:
        return None
    grid = Grid(**values)
    check_canvas_size("prompt", grid.canvas_height, grid.canvas_width, limits, findings)
    rerolls = _read_rerolls(canonical.get("seed_reroll_regions"), grid, grid_px, findings)
    return None if findings.has_errors else grid.to_job(rerolls)


def _read_prompt(value: object, findings: Findings) -> tuple[tuple[str, ...], ...] | None:
    if isinstance(value, str):
        value = [[value]]
    rows = value if isinstance(value, list | tuple) else ()
    if not rows or not all(isinstance(row, list | tuple) and row for row in rows):
        message = f"{shown(value)} is no list of rows of prompts"
        findings.error("prompt", value, message, 'write [["left", "right"]] for a row of two tiles')
        return None
    return _read_table(value, Text(), "prompt", (len(rows), len(rows[0])), findings)


def _read_table(
    value: object, kind: Kind, path: str, shape: tuple[int, int], findings: Findings
) -> tuple[tuple[Any, ...], ...] | None:
    rows, columns = shape
    table = value if isinstance(value, list | tuple) else ()
    right_shape = len(table) == rows and all(
        isinstance(row, list | tuple) and len(row) == columns for row in table
    )
    if not right_shape:
        message = f"{shown(value)} is no table of {rows} rows of {columns} values"
        findings.error(path, value, message, "give one value a tile, as in prompt")
        return None
    for i, row in enumerate(table):
        for j, item in enumerate(row):
            findings.complain(f"{path}[{i}][{j}]", item, kind.complaint(item))
    return tuple(tuple(row) for row in table)


def _check_tiles(values: Mapping[str, Any], grid_px: int, findings: Findings) -> None:
    for size_name, overlap_name in (
        ("tile_height", "tile_row_overlap"),
        ("tile_width", "tile_col_overlap"),
    ):
        size, overlap = values.get(size_name, 512), values.get(overlap_name, 256)
        check_multiple(size_name, size, grid_px, findings)
        check_multiple(overlap_name, overlap, grid_px, findings)
        if overlap >= size:
            message = f"{overlap} is not smaller than {size_name}, which is {size}"
            findings.error(overlap_name, overlap, message, f"try {size // grid_px // 2 * grid_px}")


def _read_rerolls(
    value: object, grid: Grid, grid_px: int, findings: Findings
) -> tuple[RerollRegion, ...]:
    items = () if value is None else value
    if not isinstance(items, list | tuple):
        remedy = "write a list of [row start, row end, column start, column end, seed]"
        findings.error("seed_reroll_regions", value, f"{shown(value)} is not a list", remedy)
        return ()
    found = [
        _read_reroll(item, f"seed_reroll_regions[{index}]", grid, grid_px, findings)
        for index, item in enumerate(items)
    ]
    return tuple(reroll for reroll in found if reroll)


def _read_reroll(
    item: object, path: str, grid: Grid, grid_px: int, findings: Findings
) -> RerollRegion | None:
    if not isinstance(item, list | tuple) or len(item) != len(SIDES) + 1:
        message = f"{shown(item)} is not [row start, row end, column start, column end, seed]"
        findings.error(path, item, message, "give five whole numbers")
        return None
    named = dict(zip((*SIDES, "region_seed"), item, strict=True))
    values = read_fields(RerollRegion, named, f"{path}.", findings)
    if len(values) <= len(SIDES) or values["region_seed"] is None:
        if values.get("region_seed", 0) is None:
            findings.error(f"{path}.region_seed", None, "null is not a seed", "give a number")
        return None
    for name in SIDES:
        values[name] = _on_grid(values[name], f"{path}.{name}", grid_px, findings)
    for axis, size in (("row", grid.canvas_height), ("col", grid.canvas_width)):
        init, end = values[f"{axis}_init"], values[f"{axis}_end"]
        if end <= init:
            message = f"holds no cell of latents: it goes from {init} to {end}"
            findings.error(f"{path}.{axis}_end", end, message, f"try {init + grid_px}")
        elif end > size:
            message = f"{end} lies outside the canvas, which ends at {size}"
            findings.error(f"{path}.{axis}_end", end, message, f"use {size} or less")
    return RerollRegion(**values)


def _on_grid(value: int, path: str, grid_px: int, findings: Findings) -> int:
    """Round down to a latent cell, as the original does for these regions, and say so."""
    rounded = value // grid_px * grid_px
    if rounded != value:
        message = f"{value} is not a multiple of {grid_px}; {rounded} is used"
        findings.warn(path, value, message, f"write {rounded}")
    return rounded
