"""Large regions in windows of each kind: what they cost, and what is seen in them."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import adherence, street
from benchmarks.generation import NATIVE_PX, Bytes, painted
from benchmarks.performance.card.windows import cells_a_step
from benchmarks.report import Report
from benchmarks.sheets import sheet
from benchmarks.tables import share_of
from engine.contract.checks import check
from engine.contract.cuts import SHIFTING, WINDOWS
from engine.contract.job import to_document
from engine.contract.models import ModelFacts, facts_of
from engine.model_keeper import ModelKeeper
from engine.runtime.devices import choose_device
from training.classifier import Classifier
from training.painting.concepts import CONCEPTS
from training.painting.prompts import Wish

HEIGHT_PX, WIDTH_PX = 512, 768
AS_ADDED = "shifting, but for patterns"
"""As the add-on has it."""
KINDS = (*WINDOWS, AS_ADDED)
_SHOWN = ("bricks", "cobblestone", "planks", "asphalt", "grass", "leaves", "water")
DEMO = Path(__file__).parent / "performance" / "demo.json"


def ground(prompt: str, facts: ModelFacts, seed: int) -> dict[str, Any]:
    """Return a job whose one region is larger than the model generates well in one piece."""
    region = {
        **{"type": "text2image", "prompt": prompt, "guidance_scale": facts.guidance_scale},
        **{"row_init": 0, "row_end": HEIGHT_PX, "col_init": 0, "col_end": WIDTH_PX},
        **{"mask_type": "constant", "region_seed": 0},
    }
    return {
        **{"version": 1, "canvas_height": HEIGHT_PX, "canvas_width": WIDTH_PX, "seed": seed},
        "num_inference_steps": facts.num_inference_steps,
        "scheduler": facts.scheduler,
        "max_region_px": facts.largest_px,
        "regions": [region],
    }


def squares(picture: Bytes) -> list[Bytes]:
    """Return squares of the size that the judge knows, edge to edge."""
    height, width = (side // NATIVE_PX * NATIVE_PX for side in picture.shape[:2])
    return [
        picture[top : top + NATIVE_PX, left : left + NATIVE_PX]
        for top in range(0, height, NATIVE_PX)
        for left in range(0, width, NATIVE_PX)
    ]


def seen_a_step(document: object, facts: ModelFacts) -> float:
    """Return how many cells the network sees in a step, as a multiple of the canvas's."""
    job = check(document, folder=None, facts=facts).job_or_raise()
    return cells_a_step(job, facts.family.stride_px)


def measure(report: Report, model: Path, classifier: Classifier, *, quick: bool) -> None:
    """Paint the same grounds and streets in windows of each kind, and judge them part by part."""
    facts = facts_of(str(model.absolute()))
    keeper = ModelKeeper(device=choose_device(), default_model=str(model.absolute()))
    demo = json.loads(DEMO.read_text()) | {"model": str(model.absolute())}
    chosen = [concept for concept in CONCEPTS if not concept.framed][:: 4 if quick else 1]
    rows: dict[str, list[tuple[str, Bytes]]] = {concept.name: [] for concept in chosen}
    seed = report.seed
    seeds = range(seed, seed + (2 if quick else 8))
    for kind in KINDS:
        found: list[adherence.Judged] = []
        began = time.process_time()
        for number, concept in enumerate(chosen):
            prompt = concept.nouns[0]
            picture = painted(_in(ground(prompt, facts, seed + number), kind, facts), keeper)
            seen = squares(picture)
            asked = [(prompt, Wish(concept=concept.name))] * len(seen)
            found += adherence.judged(classifier, asked, seen, kind)
            rows[concept.name].append((f"{kind}: {prompt}", picture[::2, ::2]))
        name = f"windows, {kind}"
        report.put(f"{name}: processor seconds", round(time.process_time() - began, 1))
        report.put(
            f"{name}: squares of grounds", share_of(adherence.concept_share(found), len(found))
        )
        report.put(f"{name}: confusions", adherence.weak_concepts(found))
        large = ground("grass", facts, seed)
        for what, document in (("a ground", large), ("the demo's picture", demo)):
            report.put(
                f"{name}: cells of {what}",
                round(seen_a_step(_in(document, kind, facts), facts), 2),
            )
        streets = street.paint_streets(
            model, classifier, seeds, change=partial(_in, kind=kind, facts=facts)
        )
        parts = [part for one in streets for part in one.parts]
        report.put(
            f"{name}: parts of the street", share_of(adherence.concept_share(parts), len(parts))
        )
    sheet([rows[name] for name in _SHOWN if name in rows], report.folder / "windows.jpg")


def _in(document: dict[str, Any], kind: str, facts: ModelFacts) -> dict[str, Any]:
    """Return a job in windows of a kind."""
    if kind != AS_ADDED:
        regions = [one | {"windows": None} for one in document["regions"]]
        return document | {"windows": kind, "regions": regions}
    job = check(document, folder=None, facts=facts).job_or_raise()
    return to_document(facts.in_windows(job, SHIFTING))
