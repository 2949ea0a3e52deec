"""The street that a newcomer blocks out: does each part of it show what was asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.adherence import Judged, judged
from benchmarks.generation import Bytes, painted
from engine.contract.checks import check
from engine.contract.job import Job
from engine.contract.limits import Limits
from engine.contract.models import facts_of
from engine.model_keeper import ModelKeeper
from engine.runtime.batching import in_turn
from engine.runtime.devices import choose_device
from engine.runtime.windows import Window
from engine.sampling.region_windows import region_windows
from engine.storage.images import open_masks
from training.classifier import Classifier
from training.painting.prompts import Wish

JOB = Path(__file__).with_name("street_scene") / "street.json"
"""What the add-on's defaults make of the street; a test inside Blender holds it to that."""
WISHES: Mapping[str, Wish] = {
    "red brick wall": Wish(concept="bricks", colour="red"),
    "wooden planks": Wish(concept="planks"),
    "grey cobblestone": Wish(concept="cobblestone", colour="grey"),
    "blue sky with clouds": Wish(concept="sky", colour="blue"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """One picture of the street, and what is seen in its parts."""

    seed: int
    canvas: Bytes
    parts: list[Judged]


def paint_streets(
    model: Path,
    classifier: Classifier,
    seeds: Sequence[int],
    changes: Mapping[str, object] = MappingProxyType({}),
    change: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> list[Street]:
    """Make the street as the add-on has it made, once a seed, and judge each part.

    `changes` are fields of its job, and `change` gives another one.
    """
    keeper = ModelKeeper(device=choose_device())
    document = {**json.loads(JOB.read_text()), "model": str(model.absolute()), **changes}
    document = change(document)
    job = check(document, folder=JOB.parent).job_or_raise()
    places = visible_parts(job, facts_of(job.model, JOB.parent).family.stride_px)
    asked = [(region.prompt, WISHES[region.prompt]) for region in job.text_regions]
    streets = []
    for seed in seeds:
        canvas = painted(document | {"seed": seed}, keeper, folder=JOB.parent)
        pieces = [canvas[rows, columns] for rows, columns in places]
        parts = judged(classifier, asked, pieces, "street")
        streets.append(Street(seed=seed, canvas=canvas, parts=parts))
    return streets


def visible_parts(job: Job, stride_px: int) -> list[tuple[slice, slice]]:
    """Return where each text region counts more than all others together, as one rectangle.

    Units: rows and columns of the canvas, in pixels.
    """
    shape = (job.canvas_height // stride_px, job.canvas_width // stride_px)
    weights = np.zeros((len(job.text_regions), *shape))
    for part in in_turn(region_windows(job, stride_px, open_masks(job, JOB.parent, Limits()))):
        window = part.window
        weights[part.region, window.top : window.bottom, window.left : window.right] += (
            part.weights.numpy()
        )
    found = [largest_rectangle(own > weights.sum(0) / 2) for own in weights]
    return [
        (
            slice(window.top * stride_px, window.bottom * stride_px),
            slice(window.left * stride_px, window.right * stride_px),
        )
        for window in found
    ]


def largest_rectangle(owned: NDArray[np.bool_]) -> Window:
    """Return the largest rectangle of cells that are all owned. Shapes: (h, w)."""
    above = np.zeros(owned.shape[1], int)
    best, area = Window(top=0, bottom=0, left=0, right=0), 0
    for row, cells in enumerate(owned):
        above = np.where(cells, above + 1, 0)
        for left in range(len(above)):
            heights = np.minimum.accumulate(above[left:])
            areas = heights * np.arange(1, len(heights) + 1)
            last = int(areas.argmax())
            if areas[last] > area:
                area = int(areas[last])
                top = row + 1 - int(heights[last])
                best = Window(top=top, bottom=row + 1, left=left, right=left + last + 1)
    return best
