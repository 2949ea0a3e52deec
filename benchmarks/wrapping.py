"""How a picture that repeats joins itself at its edges, against its inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.generation import Bytes, painted
from benchmarks.report import Report
from benchmarks.sheets import in_rows, sheet
from engine.contract.cuts import OVERLAPPING, SHIFTING
from engine.contract.models import facts_of
from engine.model_keeper import ModelKeeper
from engine.runtime.devices import choose_device

SIDE_PX, BESIDE_PX = 256, 32
TEXTURES = (
    *("red brick wall", "green grass", "grey cobblestone", "sand"),
    *("honeycomb", "wooden planks", "leaves", "marble"),
)
CANVASES = (
    ("green grass", "grey cobblestone", "sand"),
    ("red brick wall", "leaves", "water"),
    ("snow", "grey cobblestone", "green grass"),
    ("marble", "wooden planks", "sand"),
)
"""The first fills the canvas; of the other two the last goes over the lower right corner."""


def edge_ratio(pictures: Sequence[Bytes], beside_px: int | None = None) -> float:
    """Return the mean squared step across the edges of pictures over that inside; 1 is no seam.

    `beside_px` has only so much of the inside count on either side of an edge, for pictures that
    show something else there than in their middle.
    """
    across, inside = 0.0, 0.0
    for picture in pictures:
        values = picture.astype(np.float64) / 255
        for axis in (0, 1):
            steps = np.square(np.diff(values, axis=axis)).mean((1 - axis, 2))
            if beside_px is not None:
                steps = np.concatenate([steps[:beside_px], steps[-beside_px:]])
            across += float(np.square(values.take(0, axis) - values.take(-1, axis)).mean())
            inside += float(steps.mean())
    return across / inside


def _region(prompt: str, *place: int, **more: object) -> dict[str, Any]:
    sides = zip(("row_init", "row_end", "col_init", "col_end"), place, strict=True)
    own = {"type": "text2image", "prompt": prompt, "guidance_scale": 4.0, "region_seed": 0}
    return {**own, **dict(sides), **more}


def texture(prompt: str) -> list[dict[str, Any]]:
    """Return one region, the whole canvas."""
    return [_region(prompt, 0, SIDE_PX, 0, SIDE_PX)]


def three_regions(prompts: tuple[str, str, str]) -> list[dict[str, Any]]:
    """Return a ground and two regions on it, of which one goes over two edges."""
    ground, inner, outer = prompts
    half, soft = SIDE_PX // 2, {"mask_type": "feather", "feather_px": 32}
    return [
        _region(ground, 0, SIDE_PX, 0, SIDE_PX, mask_type="constant", mask_weight=0.01),
        _region(inner, 48, 48 + half, 48, 48 + half, **soft),
        _region(outer, 176, 176 + half, 176, 176 + half, **soft),
    ]


def paint(
    model: Path,
    regions: list[list[dict[str, Any]]],
    wrap: str,
    seed: int,
    windows: str = OVERLAPPING,
) -> list[Bytes]:
    """Make a canvas of each list of regions; without wrapping, regions end at the edges."""
    keeper, facts = ModelKeeper(device=choose_device()), facts_of(str(model.absolute()), None)
    made = []
    for number, own in enumerate(regions):
        if wrap == "none":
            ends = ("row_end", "col_end")
            own = [{**one, **{end: min(one[end], SIDE_PX) for end in ends}} for one in own]
        document = {
            **{"version": 1, "model": str(model.absolute()), "seed": seed + number},
            **{"canvas_height": SIDE_PX, "canvas_width": SIDE_PX, "wrap": wrap},
            "num_inference_steps": facts.num_inference_steps,
            "scheduler": facts.scheduler,
            "windows": windows,
            "regions": own,
        }
        made.append(painted(document, keeper))
    return made


def measure(report: Report, model: Path, *, quick: bool) -> None:
    """Measure textures and canvases of three regions, each with its edges joined and not."""
    repeats = 1 if quick else 3
    asked = {
        "textures": [texture(prompt) for prompt in TEXTURES for _ in range(repeats)],
        "3 regions": [three_regions(prompts) for prompts in CANVASES for _ in range(repeats)],
    }
    rows = []
    for name, regions in asked.items():
        for wrap, windows in (("both", OVERLAPPING), ("both", SHIFTING), ("none", OVERLAPPING)):
            pictures = paint(model, regions, wrap, report.seed + 16000, windows)
            way = f"{wrap}, {windows}" if windows == SHIFTING else wrap
            report.put(f"wrap {way}, {name}: edges over interior", round(edge_ratio(pictures), 3))
            beside = round(edge_ratio(pictures, BESIDE_PX), 3)
            report.put(f"wrap {way}, {name}: edges over what is beside them", beside)
            firsts = pictures[::repeats][:4]
            tiled = [np.tile(one, (3, 3, 1)) for one in firsts]
            small = [np.asarray(Image.fromarray(one).reduce(3)) for one in tiled]
            rows += in_rows([(f"wrap {way}, three times three", one) for one in small], 4)
    sheet(rows, report.folder / "wrapping.jpg")
