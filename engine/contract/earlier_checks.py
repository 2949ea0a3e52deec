"""Checks of what a job takes of an earlier picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from .earlier import Kept
from .errors import shown
from .image_sizes import ImageSize
from .job import Job
from .kinds import nearest
from .parse import Findings, RecordDraft

_STRETCHED = 1.02  # from which on a picture is seen to be


def check_kept(kept: Kept, job: Job, findings: Findings) -> None:
    """Note what is wrong with what is made anew of a picture that is kept."""
    known = [region.name for region in job.regions]
    for name in kept.regions:
        if name not in known:
            message = f"{shown(name)} is no region of the job"
            findings.error("kept.regions", name, message, nearest(name, known))
    if not kept.regions and kept.mask is None:
        message = "neither regions nor a mask say what is made anew"
        remedy = "name regions, give a mask, or leave out kept"
        findings.error("kept.regions", None, message, remedy)
    if kept.strength == 1:
        remedy = "use 0 to make it anew, or 0.5 to change it"
        findings.warn("kept.strength", 1, "1 leaves everything as it is", remedy)


def kept_size_complaint(width: int, height: int, canvas: tuple[int, int]) -> tuple[str, str]:
    """Return what is said of a kept picture, or its mask, of another size, and what helps.

    `canvas` is its width and height in pixels.
    """
    return (
        f"it has {width} × {height} pixels, the canvas {canvas[0]} × {canvas[1]}",
        "give one that is as large as the canvas",
    )


def _check_kept_sizes(
    kept: RecordDraft,
    sizes: Mapping[str, ImageSize],
    values: Mapping[str, Any],
    findings: Findings,
) -> None:
    height, width = values.get("canvas_height"), values.get("canvas_width")
    for name, size in sizes.items():
        own = (size.width_px, size.height_px)
        if all(own) and height is not None and width is not None and own != (width, height):
            complaint = kept_size_complaint(*own, (width, height))
            findings.error(f"kept.{name}", kept.values[name], *complaint)


def _check_second_pass(
    record: RecordDraft,
    sizes: Mapping[str, ImageSize],
    values: Mapping[str, Any],
    findings: Findings,
) -> None:
    if record.values.get("strength") == 1:
        message = "1 leaves the picture as it is, only enlarged"
        findings.warn("second_pass.strength", 1, message, "try 0.65")
    height, width, size = *map(values.get, ("canvas_height", "canvas_width")), sizes.get("picture")
    if not (height and width and size and size.width_px and size.height_px):
        return
    stretched = width * size.height_px / (height * size.width_px)
    if max(stretched, 1 / stretched) > _STRETCHED:
        message = (
            f"it has {size.width_px} × {size.height_px} pixels, and is stretched to the canvas, "
            f"{width} × {height}"
        )
        remedy = "use a canvas of the picture's shape"
        findings.warn("second_pass.picture", record.values["picture"], message, remedy)


CHECKS: Mapping[
    str,
    Callable[[RecordDraft, Mapping[str, ImageSize], Mapping[str, Any], Findings], None],
] = MappingProxyType({"kept": _check_kept_sizes, "second_pass": _check_second_pass})
"""Checks of records that a job holds alone, by their names, with the sizes of their pictures."""
