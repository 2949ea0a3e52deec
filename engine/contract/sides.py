"""Checks of sizes and sides, for jobs, grids and single regions alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .limits import Limits
from .parse import Findings


def check_multiple(path: str, value: int, grid_px: int, findings: Findings) -> None:
    """Note where a coordinate or a size is not on the model's grid."""
    if value % grid_px:
        nearby = max(1, (value + grid_px // 2) // grid_px) * grid_px
        findings.error(path, value, f"{value} is not a multiple of {grid_px}", f"try {nearby}")


def check_canvas_size(
    path: str, height_px: int, width_px: int, limits: Limits, findings: Findings
) -> None:
    """Note where a canvas has more pixels than allowed."""
    if height_px * width_px > limits.max_canvas_px:
        findings.error(
            path,
            [height_px, width_px],
            f"a canvas of {width_px} × {height_px} pixels is over the limit of "
            f"{limits.max_canvas_px} pixels",
            "make it smaller, or raise the limit (max_canvas_px)",
        )


def check_sides(
    values: Mapping[str, Any], path: str, canvas: Mapping[str, Any], grid_px: int, found: Findings
) -> None:
    """Note where a rectangle's sides are off the grid, outside the canvas or reversed.

    `canvas` holds canvas_height, canvas_width and wrap where they are known. Where the canvas
    wraps, a rectangle starts in it, and may end beyond: there it goes on at the opposite edge.
    """
    for axis, size_name, wraps in (("row", "canvas_height", "y"), ("col", "canvas_width", "x")):
        init, end = values.get(f"{axis}_init"), values.get(f"{axis}_end")
        size = canvas.get(size_name)
        if size is not None and canvas.get("wrap") in (wraps, "both"):
            _check_around(init, end, f"{path}{axis}", size_name, size, found)
            size = None
        for side, value in (("init", init), ("end", end)):
            if value is None:
                continue
            at = f"{path}{axis}_{side}"
            check_multiple(at, value, grid_px, found)
            if size is not None and value > size:
                message = f"{value} lies outside the canvas, whose {size_name} is {size}"
                found.error(at, value, message, f"use {size} or less")
        if init is not None and end is not None and end <= init:
            message = f"{end} is not greater than {axis}_init, which is {init}"
            remedy = "swap them" if end < init else f"try {init + grid_px}"
            found.error(f"{path}{axis}_end", end, message, remedy)


def _check_around(
    init: int | None, end: int | None, path: str, size_name: str, size: int, found: Findings
) -> None:
    """Note where a rectangle does not start in a canvas that wraps, or is longer than it."""
    if init is not None and init >= size:
        message = f"{init} lies beyond the canvas, whose {size_name} is {size}"
        remedy = f"start at {init % size}, which is the same place on a canvas that wraps"
        found.error(f"{path}_init", init, message, remedy)
    elif init is not None and end is not None and end > init + size:
        message = f"{end} makes it {end - init} pixels long, more than the {size_name}, {size}"
        found.error(f"{path}_end", end, message, f"use {init + size} or less")
