"""How few steps a scheduler needs until more of them change nothing that a judge sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchmarks import adherence
from benchmarks.generation import Bytes, Painter
from benchmarks.report import Report
from benchmarks.sheets import sheet
from benchmarks.tables import share_of
from engine.runtime.devices import takes_bfloat16
from training.classifier import Classifier

WAYS: tuple[tuple[str, int], ...] = (
    *(("ddim", steps) for steps in (20, 16, 12, 8, 30)),
    *(("dpmpp_2m", steps) for steps in (8, 10, 12, 6, 20)),
    *(("unipc", steps) for steps in (8, 10, 12, 6, 20)),
)
_SHOWN = 3


def measure(report: Report, model: Path, classifier: Classifier, *, quick: bool) -> None:
    """Judge the same prompts and rows, from the same noise, by each scheduler and step count."""
    dtype = torch.bfloat16 if takes_bfloat16("cpu") else torch.float32
    painter = Painter(model, dtype=dtype)
    rows: list[list[tuple[str, Bytes]]] = []
    for scheduler, steps in WAYS:
        painter.take(scheduler, steps)
        singles = adherence.judge_singles(painter, classifier, 1 if quick else 4, report.seed)
        mixtures, canvases = adherence.judge_mixtures(
            painter, classifier, 6 if quick else 40, report.seed + 1000
        )
        name = f"steps, {scheduler} {steps}"
        for kind, found in (("single prompts", singles), ("regions of mixtures", mixtures)):
            colours, count = adherence.colour_share(found)
            report.put(f"{name}: {kind}", share_of(adherence.concept_share(found), len(found)))
            report.put(f"{name}: {kind}, colour", share_of(colours, count))
        report.put(f"{name}: grain", round(float(np.mean([grain(c) for _, c in canvases])), 4))
        rows.append([(f"{scheduler} {steps}", canvas) for _, canvas in canvases[:_SHOWN]])
    sheet(rows, report.folder / "steps.jpg")


def grain(picture: Bytes) -> float:
    """Return how unlike pixels beside each other are, from 0 to 1: too few steps leave blur."""
    values = picture.astype(np.float64) / 255
    across = [np.abs(np.diff(values, axis=axis)).mean() for axis in (0, 1)]
    return float(np.mean(across))
