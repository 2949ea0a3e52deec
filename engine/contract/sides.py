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
    values: Mapping[str, Any], path: str, sizes: Mapping[str, Any], grid_px: int, found: Findings
) -> None:
    """Note where a rectangle's sides are off the grid, outside the canvas or reversed.

    `sizes` holds canvas_height and canvas_width where they are known.
    """
    for axis, size_name in (("row", "canvas_height"), ("col", "canvas_width")):
        init, end = values.get(f"{axis}_init"), values.get(f"{axis}_end")
        size = sizes.get(size_name)
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
