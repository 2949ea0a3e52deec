"""The same canvases with a base pass and without: does it help regions, or harm them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import adherence, landscapes, seams, street
from benchmarks.generation import Bytes, Painter, own_columns, row_of
from engine.contract.models import facts_of
from training.classifier import Classifier
from training.judge import Judge
from training.painting.storybook.wording import wording

WAYS: dict[str, dict[str, Any]] = {
    "off": {},
    "0.3 over half of the steps": {"base_strength": 0.3},
    "0.6 over half of the steps": {"base_strength": 0.6},
}
_A_THING = "house"
"""What a model knows that paints landscapes, and no model of materials."""


def base_of(way: str, prompts: Sequence[str], guidance: float) -> dict[str, Any]:
    """Return the job's fields of a way; all prompts are the whole picture's, as in the add-on."""
    if not WAYS[way]:
        return {}
    shown = ", ".join(dict.fromkeys(prompts))
    return {**WAYS[way], "base_prompt": shown, "base_guidance_scale": guidance}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of three regions by one way, region by region, and of two with one prompt."""

    judged: list[adherence.Judged]
    canvases: list[Bytes]
    alike: list[Bytes]

    @property
    def step_ratio(self) -> float:
        """Median of the strongest step in the overlaps against the interiors."""
        return float(np.median([seams.worst_step_ratio(c, 3) for c in self.canvases]))

    @property
    def seam_ratio(self) -> float:
        """Gradient energy in the overlap of two regions of one prompt against the interiors."""
        return seams.same_prompt_ratio(self.alike)


def paint_rows(
    painter: Painter, classifier: Classifier, count: int, alike: Sequence[str], seed: int
) -> dict[str, Rows]:
    """Paint the same rows each way, from the same seeds; `alike` are prompts of two regions."""
    rng = np.random.default_rng(seed)
    asked = [adherence.random_row(3, rng) for _ in range(count)]
    found = {}
    for way in WAYS:
        judged, canvases, pairs = list[adherence.Judged](), list[Bytes](), list[Bytes]()
        for index, row in enumerate(asked):
            canvas = _painted(painter, way, [text for text, _ in row], seed + index)
            pieces = [
                canvas[:, own_columns(i, 3, seams.REGION_PX, seams.OVERLAP_PX)] for i in range(3)
            ]
            judged += adherence.judged(classifier, row, pieces, way)
            canvases.append(canvas)
        for index, prompt in enumerate(alike):
            pairs.append(_painted(painter, way, [prompt, prompt], seed + 500 + index))
        found[way] = Rows(judged=judged, canvases=canvases, alike=pairs)
    return found


def _painted(painter: Painter, way: str, prompts: Sequence[str], seed: int) -> Bytes:
    patches, width = row_of(prompts, region_px=seams.REGION_PX, overlap_px=seams.OVERLAP_PX)
    base = base_of(way, prompts, painter.guidance)
    return painter.mixture(patches, seams.REGION_PX, width, seed, base=base)


def paint_streets(
    model: Path, classifier: Classifier, seeds: Sequence[int], guidance: float
) -> dict[str, list[street.Street]]:
    """Make the newcomer's street each way, from the same seeds; it is seen smaller."""
    prompts = list(street.WISHES)
    return {
        way: street.paint_streets(model, classifier, seeds, base_of(way, prompts, guidance))
        for way in WAYS
    }


def paints_landscapes(model: Path) -> bool:
    """Return whether a model says that it knows the things of landscapes."""
    return _A_THING in facts_of(str(model.absolute())).knows


def paint_scenes(
    painter: Painter, judge: Judge, count: int, seed: int
) -> dict[str, list[landscapes.SceneSeen]]:
    """Paint the same landscapes of three regions each way, from the same seeds."""
    rng = np.random.default_rng(seed)
    asked = [
        [(wording(wish, rng), wish) for wish in landscapes.random_scene(3, rng)]
        for _ in range(count)
    ]
    found: dict[str, list[landscapes.SceneSeen]] = {}
    for way in WAYS:
        for index, scene in enumerate(asked):
            prompts = [text for text, _ in scene]
            patches, width = landscapes.patches_of(prompts)
            base = base_of(way, prompts, painter.guidance)
            canvas = painter.mixture(patches, landscapes.REGION_PX, width, seed + index, base=base)
            regions = landscapes.judged(judge, scene, landscapes.own_parts(canvas, 3), way)
            seen = landscapes.SceneSeen(regions=regions, canvas=canvas)
            found.setdefault(way, []).append(seen)
    return found
