"""Reads the original's grid configuration, with every problem at the key it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import shown
from .grid import ALIASES, IGNORED, SEED_TILES_MODES, Grid, Reroll
from .job import GUIDANCE, SEED, Job, RerollRegion
from .kinds import Choice, Kind, OrNone, Text
from .limits import Limits
from .parse import Findings, read_fields
from .sides import check_canvas_size, check_multiple

_TABLES = ("prompt", "guidance_scale_tiles", "seed_tiles", "seed_tiles_mode")
_SIDES = ("row_init", "row_end", "col_init", "col_end")
_COMMON_GUIDANCE = OrNone(GUIDANCE, "the common one")
_NO_SEED = OrNone(SEED, "none of its own")


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
    nested = (*_TABLES, "seed_reroll_regions")
    values = read_fields(Grid, canonical, "", findings, elsewhere=nested, written=written)
    prompt = _read_prompt(canonical.get("prompt"), findings)
    if prompt is None:
        return None
    shape = (len(prompt), len(prompt[0]))
    values["prompt"] = prompt
    for name, kind in (("guidance_scale_tiles", _COMMON_GUIDANCE), ("seed_tiles", _NO_SEED)):
        if canonical.get(name) is not None:
            at = written.get(name, name)
            values[name] = _read_table(canonical[name], kind, at, shape, findings)
    mode = canonical.get("seed_tiles_mode")
    if isinstance(mode, str):
        complaint = Choice(SEED_TILES_MODES).complaint(mode)
        findings.complain("seed_tiles_mode", mode, complaint)
        values["seed_tiles_mode"] = mode
    elif mode is not None:
        modes = Choice(SEED_TILES_MODES)
        values["seed_tiles_mode"] = _read_table(mode, modes, "seed_tiles_mode", shape, findings)
    _check_tiles(values, grid_px, findings)
    if findings.has_errors:
        return None
    grid = Grid(**values)
    height, width = grid.canvas_height, grid.canvas_width
    check_canvas_size("prompt", height, width, limits, findings)
    rerolls = _read_rerolls(canonical.get("seed_reroll_regions"), grid, grid_px, findings)
    if findings.has_errors:
        return None
    return Grid(**{**values, "seed_reroll_regions": rerolls}).to_job()


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
    defaults = {
        "height": ("tile_height", "tile_row_overlap"),
        "width": ("tile_width", "tile_col_overlap"),
    }
    for size_name, overlap_name in defaults.values():
        size = values.get(size_name, 512)
        overlap = values.get(overlap_name, 256)
        check_multiple(size_name, size, grid_px, findings)
        check_multiple(overlap_name, overlap, grid_px, findings)
        if overlap >= size:
            message = f"{overlap} is not smaller than {size_name}, which is {size}"
            findings.error(overlap_name, overlap, message, f"try {size // grid_px // 2 * grid_px}")


def _read_rerolls(
    value: object, grid: Grid, grid_px: int, findings: Findings
) -> tuple[Reroll, ...]:
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
) -> Reroll | None:
    if not isinstance(item, list | tuple) or len(item) != len(_SIDES) + 1:
        message = f"{shown(item)} is not [row start, row end, column start, column end, seed]"
        findings.error(path, item, message, "give five whole numbers")
        return None
    named = dict(zip((*_SIDES, "region_seed"), item, strict=True))
    values = read_fields(RerollRegion, named, f"{path}.", findings)
    if len(values) <= len(_SIDES) or values["region_seed"] is None:
        if values.get("region_seed", 0) is None:
            findings.error(f"{path}.region_seed", None, "null is not a seed", "give a number")
        return None
    sides = {name: _on_grid(values[name], f"{path}.{name}", grid_px, findings) for name in _SIDES}
    for axis, size in (("row", grid.canvas_height), ("col", grid.canvas_width)):
        init, end = sides[f"{axis}_init"], sides[f"{axis}_end"]
        if end <= init:
            message = f"holds no cell of latents: it goes from {init} to {end}"
            findings.error(f"{path}.{axis}_end", end, message, f"try {init + grid_px}")
        elif end > size:
            message = f"{end} lies outside the canvas, which ends at {size}"
            findings.error(f"{path}.{axis}_end", end, message, f"use {size} or less")
    return Reroll(**sides, seed=values["region_seed"])


def _on_grid(value: int, path: str, grid_px: int, findings: Findings) -> int:
    """Round down to a latent cell, as the original does for these regions, and say so."""
    rounded = value // grid_px * grid_px
    if rounded != value:
        message = f"{value} is not a multiple of {grid_px}; {rounded} is used"
        findings.warn(path, value, message, f"write {rounded}")
    return rounded
