"""The mixture beside what one could do instead, with the same model and the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.adherence import Judged, judged, random_row
from benchmarks.generation import (
    NATIVE_PX,
    Bytes,
    Painter,
    Patch,
    own_columns,
    row_of,
)
from benchmarks.seams import worst_step_ratio
from training.classifier import Classifier
from training.painting.prompts import Wish

PARTS = 3
REGION_PX = 128
OVERLAP_PX = 32
METHODS = (
    "gaussian (Mixture of Diffusers)",
    "quartic",
    "constant (MultiDiffusion)",
    "hard-cut pasting",
    "one prompt",
)
PLACES = ("on the left", "in the middle", "on the right")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All rows of one method."""

    method: str
    judged: list[Judged]
    canvases: list[Bytes]

    @property
    def step_ratio(self) -> float:
        """Median of the strongest step in the overlaps against the interiors."""
        return float(np.median([worst_step_ratio(canvas, PARTS) for canvas in self.canvases]))


def _pasted(painter: Painter, prompts: Sequence[str], seed: int) -> Bytes:
    """Paint each prompt alone and cut the pictures together without any blending."""
    alone = painter.singles(prompts, seed)
    pieces = []
    for index, picture in enumerate(alone):
        columns = own_columns(index, len(prompts), REGION_PX, OVERLAP_PX)
        start = index * (REGION_PX - OVERLAP_PX)
        pieces.append(picture[:, columns.start - start : columns.stop - start])
    return np.concatenate(pieces, axis=1)


def _one_prompt(painter: Painter, prompts: Sequence[str], width: int, seed: int) -> Bytes:
    """Name everything and its place in one prompt over the whole canvas."""
    text = ", ".join(f"{p} {place}" for p, place in zip(prompts, PLACES, strict=True))
    whole = Patch(prompt=text, top=0, left=0, height=NATIVE_PX, width=width, mask_type="constant")
    return painter.mixture([whole], NATIVE_PX, width, seed)


def paint_by(painter: Painter, method: str, prompts: Sequence[str], seed: int) -> Bytes:
    """Paint one row of three by one of the methods."""
    mask_type = method.split()[0]
    patches, width = row_of(
        prompts,
        overlap_px=OVERLAP_PX,
        mask_type=mask_type if mask_type in ("gaussian", "quartic", "constant") else "gaussian",
    )
    if method == "hard-cut pasting":
        return _pasted(painter, prompts, seed)
    if method == "one prompt":
        return _one_prompt(painter, prompts, width, seed)
    return painter.mixture(patches, NATIVE_PX, width, seed)


def compare(painter: Painter, classifier: Classifier, count: int, seed: int) -> list[Outcome]:
    """Paint the same rows by every method and judge each region's own columns."""
    rng = np.random.default_rng(seed)
    rows: list[list[tuple[str, Wish]]] = [random_row(PARTS, rng) for _ in range(count)]
    outcomes = []
    for method in METHODS:
        found, canvases = list[Judged](), list[Bytes]()
        for index, asked in enumerate(rows):
            canvas = paint_by(painter, method, [text for text, _ in asked], seed + index)
            pieces = [canvas[:, own_columns(i, PARTS, REGION_PX, OVERLAP_PX)] for i in range(PARTS)]
            found += judged(classifier, asked, pieces, method)
            canvases.append(canvas)
        outcomes.append(Outcome(method=method, judged=found, canvases=canvases))
    return outcomes
