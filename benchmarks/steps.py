"""How few steps a scheduler needs until more of them change nothing that a judge sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks import adherence
from benchmarks.generation import Bytes, Painter
from benchmarks.sheets import sheet
from benchmarks.tables import Value, share_of
from engine.runtime.devices import takes_bfloat16
from training.classifier import Classifier

WAYS: tuple[tuple[str, int], ...] = (
    *(("ddim", steps) for steps in (20, 16, 12, 8, 30)),
    *(("dpmpp_2m", steps) for steps in (8, 10, 12, 6, 20)),
    *(("unipc", steps) for steps in (8, 10, 12, 6, 20)),
)
_SHOWN = 6


def measure(
    put: Callable[[str, Value], None],
    folder: Path,
    model: Path,
    classifier: Classifier,
    seed: int,
    *,
    quick: bool,
) -> None:
    """Judge the same prompts and rows, from the same noise, by each scheduler and step count."""
    dtype = torch.bfloat16 if takes_bfloat16("cpu") else torch.float32
    painter = Painter(model, dtype=dtype)
    rows: list[list[tuple[str, Bytes]]] = []
    for scheduler, steps in WAYS:
        painter.take(scheduler, steps)
        singles = adherence.judge_singles(painter, classifier, 1 if quick else 4, seed)
        mixtures, canvases = adherence.judge_mixtures(
            painter, classifier, 6 if quick else 40, seed + 1000
        )
        name = f"steps, {scheduler} {steps}"
        for kind, found in (("single prompts", singles), ("regions of mixtures", mixtures)):
            colours, count = adherence.colour_share(found)
            put(f"{name}: {kind}", share_of(adherence.concept_share(found), len(found)))
            put(f"{name}: {kind}, colour", share_of(colours, count))
        put(f"{name}: grain", round(float(np.mean([grain(c) for _, c in canvases])), 4))
        rows.append([(f"{scheduler} {steps}", canvas) for _, canvas in canvases[:_SHOWN]])
    sheet([row[:3] for row in rows], folder / "steps.jpg")


def grain(picture: Bytes) -> float:
    """Return how unlike pixels beside each other are, from 0 to 1: too few steps leave blur."""
    values = picture.astype(np.float64) / 255
    across = [np.abs(np.diff(values, axis=axis)).mean() for axis in (0, 1)]
    return float(np.mean(across))
