"""`python -m benchmarks.quality`: the bundled model's quality as a table and contact sheets."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import (
    adherence,
    alternatives,
    base_pass,
    guided,
    landscapes,
    seams,
    silhouettes,
    steps,
    street,
    windows,
    wrapping,
)
from benchmarks.colours import shows_colour
from benchmarks.generation import Bytes, Painter
from benchmarks.report import Report
from benchmarks.sheets import in_rows, sheet
from benchmarks.tables import Value, markdown, share_of
from training import classifier, judge
from training.classifier import Classifier
from training.judge import ANSWERS, Judge
from training.painting.colours import NAMED
from training.painting.concepts import CONCEPTS
from training.settings import Settings

ROOT = Path(__file__).parents[1]
SAME_PROMPTS = (
    "red brick wall",
    "green grass",
    "sand",
    "cobblestone",
    "water",
    "wooden planks",
    "leaves",
    "knitted wool",
)
SEEDS_OF_A_SEAM = 5
UNLIKE_PROMPTS = (
    ("red brick wall", "green grass"),
    ("sand", "water"),
    ("snow", "lava"),
    ("cobblestone", "wooden planks"),
    ("starry night", "sunset"),
    ("marble", "leaves"),
    ("blue tiles", "yellow flowers"),
    ("rusty metal", "sky with clouds"),
)


def _is_wrong(row: adherence.Judged) -> bool:
    return not row.concept_right or row.colour_right is False


def _caption(row: adherence.Judged) -> str:
    return ("!" if _is_wrong(row) else "") + row.prompt


def measure_classifier(report: Report, judge: Classifier, settings: Settings) -> None:
    """Check the judge itself on painted pictures that no training saw."""
    held_out = classifier.held_out_set(settings)
    right = classifier.accuracy(judge, held_out)
    report.put("classifier on held-out painted pictures", share_of(right, len(held_out.wishes)))
    coloured = [(p, w) for p, w in zip(held_out.pictures, held_out.wishes, strict=True) if w.colour]
    kept = [shows_colour(picture, wish) for picture, wish in coloured]
    report.put("colour measure on painted pictures", share_of(float(np.mean(kept)), len(kept)))
    other = np.random.default_rng(report.seed)
    wrong = [
        shows_colour(
            picture,
            replace(wish, colour=str(other.choice([c for c in NAMED if c != wish.colour]))),
        )
        for picture, wish in coloured
        if not wish.second
    ]
    report.put("colour measure, passes another colour", share_of(float(np.mean(wrong)), len(wrong)))


def measure_singles(report: Report, painter: Painter, judge: Classifier, per_concept: int) -> None:
    """Single prompts of 128 px, by kind of prompt."""
    began = time.monotonic()
    found = adherence.judge_singles(painter, judge, per_concept, report.seed)
    report.share("single prompts, all", found)
    for kind in dict.fromkeys(row.kind for row in found):
        report.share(f"single prompts, {kind}", [row for row in found if row.kind == kind])
    report.put(
        "single prompts, seconds a picture", round((time.monotonic() - began) / len(found), 2)
    )
    report.put("single prompts, confusions", adherence.weak_concepts(found))
    report.put("single prompts, missed colours", adherence.weak_colours(found))
    per: dict[str, Value] = {}
    for concept in CONCEPTS:
        own = [row for row in found if row.wish.concept == concept.name]
        per[concept.name] = f"{sum(row.concept_right for row in own)}/{len(own)}"
    report.put("single prompts, by concept", per)
    items = [(_caption(row), row.picture) for row in found]
    plain = sum(row.kind == "plain" for row in found)
    sheet(in_rows(items[:plain], 8), report.folder / "plain_prompts.jpg")
    sheet(in_rows(items[plain:], 12), report.folder / "single_prompts.jpg")


def measure_mixtures(report: Report, painter: Painter, judge: Classifier, count: int) -> None:
    """Rows of two and three random concepts, region by region."""
    found, canvases = adherence.judge_mixtures(painter, judge, count, report.seed + 1000)
    report.share("mixtures, per region", found)
    for kind in ("2 regions", "3 regions"):
        report.share(f"mixtures of {kind}", [row for row in found if row.kind == kind])
    report.put("mixtures, confusions", adherence.weak_concepts(found))
    sheet(in_rows(canvases[:24], 3), report.folder / "mixtures.jpg")


def measure_street(report: Report, model: Path, judge: Classifier, count: int) -> None:
    """The street that a newcomer blocks out, part by part."""
    seeds = range(report.seed + 12000, report.seed + 12000 + count)
    streets = street.paint_streets(model, judge, seeds)
    report.share("street, per part", [part for made in streets for part in made.parts])
    for number, part in enumerate(streets[0].parts):
        report.share(f"street, {part.prompt}", [made.parts[number] for made in streets])
    whole = sum(all(not _is_wrong(part) for part in made.parts) for made in streets)
    report.put("street, pictures with each part right", share_of(whole / count, count))
    confusions = adherence.weak_concepts([part for made in streets for part in made.parts])
    report.put("street, confusions", confusions)
    items = [(_street_caption(made), made.canvas) for made in streets]
    sheet(in_rows(items, 2), report.folder / "street.jpg")


def _street_caption(made: street.Street) -> str:
    wrong = [f"{part.prompt} → {part.seen}" for part in made.parts if _is_wrong(part)]
    return f"!seed {made.seed}: {', '.join(wrong)}" if wrong else f"seed {made.seed}"


def measure_seams(report: Report, painter: Painter) -> None:
    """Borders between like and unlike neighbours."""
    pairs = [(prompt, prompt) for prompt in SAME_PROMPTS for _ in range(SEEDS_OF_A_SEAM)]
    alike = seams.paint_pairs(painter, pairs, report.seed + 2000)
    by_prompt = {
        prompt: alike[index * SEEDS_OF_A_SEAM :][:SEEDS_OF_A_SEAM]
        for index, prompt in enumerate(SAME_PROMPTS)
    }
    unlike = seams.paint_pairs(painter, UNLIKE_PROMPTS, report.seed + 3000)
    report.put("seam, same prompt: overlap over interior", round(seams.same_prompt_ratio(alike), 3))
    report.put(
        "seam, same prompt, by prompt",
        {
            prompt: round(seams.same_prompt_ratio(pictures), 2)
            for prompt, pictures in by_prompt.items()
        },
    )
    ratios = [seams.worst_step_ratio(picture) for picture in unlike]
    report.put("seam, unlike prompts: strongest step, median", round(float(np.median(ratios)), 2))
    report.put("seam, unlike prompts: strongest step, worst", round(max(ratios), 2))
    captions = [*SAME_PROMPTS, *(" | ".join(pair) for pair in UNLIKE_PROMPTS)]
    firsts = [pictures[0] for pictures in by_prompt.values()]
    items = list(zip(captions, [*firsts, *unlike], strict=True))
    sheet(in_rows(items, 4), report.folder / "seams.jpg")


def measure_alternatives(report: Report, painter: Painter, judge: Classifier, count: int) -> None:
    """The mixture beside the alternatives."""
    outcomes = alternatives.compare(painter, judge, count, report.seed + 4000)
    rows: list[list[tuple[str, Bytes]]] = []
    for outcome in outcomes:
        report.share(outcome.method, outcome.judged)
        report.put(f"{outcome.method}: strongest step, median", round(outcome.step_ratio, 2))
        rows.append([(outcome.method, canvas) for canvas in outcome.canvases[:4]])
    sheet(rows, report.folder / "alternatives.jpg")


def _landscape_shares(report: Report, name: str, found: list[landscapes.Seen]) -> None:
    for question in ANSWERS:
        share, count = landscapes.share_right(found, question)
        if count:
            report.put(f"{name}: {question}", share_of(share, count))


def _landscape_caption(row: landscapes.Seen) -> str:
    wrong = any(row.right(question) is False for question in ANSWERS)
    return ("!" if wrong else "") + row.prompt


def measure_landscapes(
    report: Report, painter: Painter, seer: Judge, settings: Settings, *, quick: bool
) -> None:
    """Single landscapes, and scenes of two and three: things, light, horizon and borders."""
    shares = judge.accuracy(seer, judge.held_out_set(settings))
    for question, share in shares.items():
        report.put(f"judge of landscapes on held-out pictures: {question}", round(share, 3))
    singles = landscapes.judge_singles(painter, seer, 1 if quick else 4, report.seed + 8000)
    _landscape_shares(report, "landscapes, all", singles)
    for kind in dict.fromkeys(row.kind for row in singles):
        own = [row for row in singles if row.kind == kind]
        _landscape_shares(report, f"landscapes, {kind}", own)
    for question in ANSWERS:
        report.put(
            f"landscapes, confusions of {question}", landscapes.confusions(singles, question)
        )
    items = [(_landscape_caption(row), row.picture) for row in singles]
    sheet(in_rows(items, 8), report.folder / "landscapes.jpg")
    scenes = landscapes.judge_scenes(painter, seer, 12 if quick else 60, report.seed + 9000)
    regions = [row for scene in scenes for row in scene.regions]
    _landscape_shares(report, "scenes, per region", regions)
    for kind in ("2 regions", "3 regions"):
        _landscape_shares(report, f"scenes of {kind}", [r for r in regions if r.kind == kind])
    agreed = [scene.agrees() for scene in scenes]
    known = [a for a in agreed if a is not None]
    report.put("scenes, one horizon", share_of(sum(known) / max(1, len(known)), len(known)))
    report.put("scenes, whole things", share_of(*landscapes.whole_share(scenes)))
    report.put("scenes, confusions", landscapes.confusions(regions, "subject"))
    seam = landscapes.seam_ratio(painter, 8 if quick else 40, report.seed + 10000)
    report.put("scenes, one prompt twice: overlap over interior", round(seam, 3))
    outcomes = landscapes.compare(painter, seer, 4 if quick else 24, report.seed + 11000)
    for outcome in outcomes:
        _landscape_shares(report, f"scenes, {outcome.method}", outcome.regions)
        report.put(
            f"scenes, {outcome.method}: strongest step, median", round(outcome.step_ratio, 2)
        )
    for outcome in outcomes[1:]:
        ahead, behind, chance = landscapes.more_often_right(outcomes[0], outcome)
        report.put(
            f"scenes, mixture against {outcome.method}: subjects only in one",
            {"mixture": ahead, "other": behind, "by chance": round(chance, 4)},
        )
    rows = [[(o.method, canvas) for canvas in o.canvases[:3]] for o in outcomes]
    sheet(rows, report.folder / "scenes_alternatives.jpg")
    captions = [" | ".join(row.prompt for row in scene.regions) for scene in scenes]
    marks = ["!" if scene.agrees() is False else "" for scene in scenes]
    shown = [(m + c, s.canvas) for m, c, s in zip(marks, captions, scenes, strict=True)]
    sheet(in_rows(shown[:24], 3), report.folder / "scenes.jpg")


def measure_silhouettes(report: Report, model: Path, *, quick: bool) -> None:
    """One thing over a ground, from its silhouette and from its rectangle."""
    found = silhouettes.compare(model, report.seed + 13000, quick=quick)
    for way, painted in found.items():
        overlap = float(np.mean([one.overlap for one in painted]))
        spill = float(np.mean([one.spill for one in painted]))
        report.put(f"shapes, {way}: painted and wanted, over either", round(overlap, 3))
        report.put(f"shapes, {way}: outside of its shape", round(spill, 3))
    items = [
        (one.caption, np.asarray(Image.fromarray(one.canvas).reduce(2)))
        for pair in zip(*found.values(), strict=True)
        for one in pair
    ]
    sheet(in_rows(items, 12), report.folder / "silhouettes.jpg")


def measure_guided(report: Report, painter: Painter) -> None:
    """Reference pictures, rerolls, guidance and negative prompts."""
    rows: list[list[tuple[str, Bytes]]] = []
    for found in guided.by_strength(painter, report.seed + 5000):
        values: dict[str, Value] = {
            str(s): round(v, 3) for s, v in zip(guided.STRENGTHS, found.likenesses, strict=True)
        }
        report.put(f"image2image, {found.prompt}: likeness by strength", values)
        pictures = zip(guided.STRENGTHS, found.pictures, strict=True)
        rows.append([("reference", found.reference), *((f"{s}", p) for s, p in pictures)])
    sheet(rows, report.folder / "image2image.jpg")
    before, rerolls = guided.rerolled(painter, report.seed + 6000)
    for reroll in rerolls:
        report.put(
            f"reroll of the right half, {reroll.change}: mean change of 255",
            {"inside": round(reroll.inside, 1), "outside": round(reroll.outside, 1)},
        )
    shown = [("before", before), *((reroll.change, reroll.picture) for reroll in rerolls)]
    sheet(in_rows(shown, 2), report.folder / "reroll.jpg")
    steering = guided.steering(painter, report.seed + 7000)
    report.put("brick wall: share of red pixels", round(steering.red_share, 3))
    report.put(
        'brick wall, negative prompt "red": share of red pixels',
        round(steering.red_share_when_negative, 3),
    )
    report.put(
        "purple water: share of purple pixels by guidance",
        {str(scale): round(value, 3) for scale, value in steering.colour_share_by_guidance.items()},
    )


def measure_base(
    report: Report, painter: Painter, model: Path, namer: Classifier, seer: Judge, *, quick: bool
) -> None:
    """The same canvases with a base pass and without."""
    alike = SAME_PROMPTS if quick else [p for p in SAME_PROMPTS for _ in range(SEEDS_OF_A_SEAM)]
    found = base_pass.paint_rows(painter, namer, 8 if quick else 32, alike, report.seed + 14000)
    for way, rows in found.items():
        report.share(f"base pass, {way}: rows of 3", rows.judged)
        report.put(f"base pass, {way}: strongest step, median", round(rows.step_ratio, 2))
        ratio = round(rows.seam_ratio, 3)
        report.put(f"base pass, {way}: one prompt twice, overlap over interior", ratio)
    seeds = range(report.seed + 12000, report.seed + 12000 + (2 if quick else 8))
    streets = base_pass.paint_streets(model, namer, seeds, painter.guidance)
    for way, made in streets.items():
        parts = [part for one in made for part in one.parts]
        report.share(f"base pass, {way}: street, per part", parts)
    pictures = [[(way, canvas) for canvas in rows.canvases[:4]] for way, rows in found.items()]
    pictures += [[(way, one.canvas) for one in made[:2]] for way, made in streets.items()]
    if base_pass.paints_landscapes(model):
        scenes = base_pass.paint_scenes(painter, seer, 6 if quick else 24, report.seed + 15000)
        for way, seen in scenes.items():
            regions = [row for scene in seen for row in scene.regions]
            _landscape_shares(report, f"base pass, {way}: scenes", regions)
            known = [agrees for scene in seen if (agrees := scene.agrees()) is not None]
            share = share_of(sum(known) / max(1, len(known)), len(known))
            report.put(f"base pass, {way}: scenes, one horizon", share)
            whole = share_of(*landscapes.whole_share(seen))
            report.put(f"base pass, {way}: scenes, whole things", whole)
        pictures += [[(way, one.canvas) for one in seen[:3]] for way, seen in scenes.items()]
    sheet(pictures, report.folder / "base_pass.jpg")


def main() -> None:
    """Measure everything, or a quick part of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--model", type=Path, default=ROOT / "engine" / "bundled")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "quality")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=None, help="other than the model recommends")
    parser.add_argument("--quick", action="store_true", help="a few pictures of each kind")
    parser.add_argument(
        "--only",
        choices=(
            *("singles", "mixtures", "street", "silhouettes"),
            *("seams", "compare", "guided", "landscapes", "base", "wrap", "windows", "steps"),
        ),
        help="this part; the other figures stay as they were",
    )
    given = parser.parse_args()
    settings = Settings()
    if not (settings.cache / "classifier" / "state.json").exists():
        print("There is no classifier in the cache yet; training it first.")
        classifier.train(settings)
    namer = classifier.load(settings)

    @cache
    def seer() -> Judge:
        if not (settings.cache / "judge" / "state.json").exists():
            print("There is no judge of landscapes in the cache yet; training it first.")
            judge.train(settings)
        return judge.load(settings)

    painter = Painter(given.model, given.steps)
    report = Report(given.to, given.seed)
    if given.only and (given.to / "figures.json").exists():
        report.table = json.loads((given.to / "figures.json").read_text())
    quick = given.quick
    parts: dict[str, Callable[[], None]] = {
        "singles": lambda: measure_singles(report, painter, namer, 1 if quick else 5),
        "mixtures": lambda: measure_mixtures(report, painter, namer, 10 if quick else 60),
        "street": lambda: measure_street(report, given.model, namer, 2 if quick else 8),
        "silhouettes": lambda: measure_silhouettes(report, given.model, quick=quick),
        "seams": lambda: measure_seams(report, painter),
        "compare": lambda: measure_alternatives(report, painter, namer, 4 if quick else 16),
        "guided": lambda: measure_guided(report, painter),
        "landscapes": lambda: measure_landscapes(report, painter, seer(), settings, quick=quick),
        "wrap": lambda: wrapping.measure(report, given.model, quick=quick),
        "windows": lambda: windows.measure(report, given.model, namer, quick=quick),
        "steps": lambda: steps.measure(report, given.model, namer, quick=quick),
        "base": lambda: measure_base(report, painter, given.model, namer, seer(), quick=quick),
    }
    report.put("steps", painter.steps)
    report.put("guidance", painter.guidance)
    measure_classifier(report, namer, settings)
    for name, measure in parts.items():
        if given.only in (None, name):
            measure()
    given.to.mkdir(parents=True, exist_ok=True)
    (given.to / "figures.json").write_text(
        json.dumps(report.table, indent=2, ensure_ascii=False) + "\n"
    )
    (given.to / "figures.md").write_text(markdown(report.table))


if __name__ == "__main__":
    main()
