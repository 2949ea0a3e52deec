"""Landscapes of two and three regions: things in their places, one light, one horizon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from benchmarks.generation import Bytes, Painter, Patch, own_columns, row_of
from benchmarks.seams import same_prompt_ratio, worst_step_ratio
from benchmarks.wholeness import REACHING, horizon, is_whole
from training.judge import Judge, Verdict, keeps_light, verdicts
from training.painting.storybook.landscape import Landscape, random_landscape
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import NAMES
from training.painting.storybook.wording import wording

REGION_PX = 256
OVERLAP_PX = 64
METHODS = (
    "gaussian (Mixture of Diffusers)",
    "constant (MultiDiffusion)",
    "hard-cut pasting",
    "one prompt",
)
PLACES = ("on the left", "in the middle", "on the right")
AGREEMENT = 0.03

# The original's own prompts, which training never saw.
PRAISE = "elegant, highly detailed, smooth, sharp focus, artstation, stunning masterpiece"
ORIGINAL: tuple[tuple[str, Landscape], ...] = (
    (
        f"A charming house in the countryside, by jakub rozalski, sunset lighting, {PRAISE}",
        Landscape(subject="house", light="sunset", charming=True),
    ),
    (
        "A dirt road in the countryside crossing pastures, by jakub rozalski, sunset lighting, "
        + PRAISE,
        Landscape(subject="dirt road", light="sunset"),
    ),
    (
        "An old and rusty giant robot lying on a dirt road, by jakub rozalski, dark sunset "
        f"lighting, {PRAISE}",
        Landscape(subject="lying robot", light="dark sunset", old=True, size="giant"),
    ),
)
FOREST_STYLES = ("ukiyo-e", "velazquez", "impressionist", "cubist", "synthwave")
FOREST_WORDS = (
    "ukiyo-e",
    "by velazquez",
    "impressionist style by van gogh",
    "cubist style by Pablo Picasso",
    "80s synthwave style",
)
FOREST: tuple[tuple[str, Landscape], ...] = tuple(
    (
        f"a forest, {words}, intricate, {PRAISE}, impressive colors",
        Landscape(subject="forest", style=style),
    )
    for words, style in zip(FOREST_WORDS, FOREST_STYLES, strict=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One landscape, or one region's part of one, with what was asked and what was seen."""

    prompt: str
    wish: Landscape
    verdict: Verdict
    picture: Bytes
    kind: str

    def right(self, question: str) -> bool | None:
        """Tell whether an answer is right; None where the style does not show it."""
        if question in ("light", "season") and not keeps_light(self.wish):
            return None
        return bool(getattr(self.verdict, question) == getattr(self.wish, question))


def share_right(found: Sequence[Seen], question: str) -> tuple[float, int]:
    """Share of right answers to a question, and how many pictures show it."""
    answers = [a for a in (row.right(question) for row in found) if a is not None]
    return sum(answers) / max(1, len(answers)), len(answers)


def confusions(found: Sequence[Seen], question: str) -> list[str]:
    """List what went wrong, the most frequent first: asked → seen."""
    wrong = Counter(
        f"{getattr(row.wish, question)} → {getattr(row.verdict, question)}"
        for row in found
        if row.right(question) is False
    )
    return [f"{pair} ({count})" for pair, count in wrong.most_common(10)]


def judged(
    judge: Judge, asked: Sequence[tuple[str, Landscape]], pictures: Sequence[Bytes], kind: str
) -> list[Seen]:
    """Let the judge see each picture beside what was asked for."""
    return [
        Seen(prompt=prompt, wish=wish, verdict=verdict, picture=picture, kind=kind)
        for (prompt, wish), picture, verdict in zip(
            asked, pictures, verdicts(judge, pictures), strict=True
        )
    ]


def judge_singles(painter: Painter, judge: Judge, per_subject: int, seed: int) -> list[Seen]:
    """Paint and judge single landscapes: trained combinations, and those that were held out."""
    rng = np.random.default_rng(seed)
    asked = list[tuple[str, str, Landscape]]()
    for name in NAMES:
        for _ in range(per_subject):
            wish = replace(random_landscape(rng, name), second="")
            asked.append(("trained combination", wording(wish, rng), wish))
        for _ in range(400):
            wish = replace(random_landscape(rng, name, training=False), second="")
            if wish.held_out():
                asked.append(("new combination", wording(wish, rng), wish))
                break
    asked += [("original's prompts", prompt, wish) for prompt, wish in (*ORIGINAL, *FOREST)]
    pictures = painter.singles([prompt for _, prompt, _ in asked], seed, side_px=REGION_PX)
    return [
        row
        for (kind, prompt, wish), picture in zip(asked, pictures, strict=True)
        for row in judged(judge, [(prompt, wish)], [picture], kind)
    ]


def random_scene(parts: int, rng: np.random.Generator) -> list[Landscape]:
    """Draw unlike subjects for the regions of one scene: one light and one season over all.

    In a third of the scenes each region has a style of its own.
    """
    names = rng.permutation(len(NAMES))[:parts]
    keeping = [name for name, style in STYLES.items() if style.keeps_light]
    base = Landscape(
        subject=NAMES[0],
        light=str(rng.choice(list(LIGHTS))),
        season=str(rng.choice(list(SEASONS))),
    )
    varied = rng.random() < 1 / 3
    return [
        replace(base, subject=NAMES[i], style=str(rng.choice(keeping)) if varied else base.style)
        for i in names
    ]


def patches_of(prompts: Sequence[str], mask_type: str = "gaussian") -> tuple[list[Patch], int]:
    """Set regions of landscapes side by side; give them and the canvas's width."""
    return row_of(
        prompts,
        region_px=REGION_PX,
        overlap_px=OVERLAP_PX,
        height_px=REGION_PX,
        mask_type=mask_type,
    )


def own_parts(canvas: Bytes, parts: int) -> list[Bytes]:
    """Cut a canvas into the columns where each region dominates."""
    return [canvas[:, own_columns(i, parts, REGION_PX, OVERLAP_PX)] for i in range(parts)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSeen:
    """One canvas with its regions as they were judged."""

    regions: list[Seen]
    canvas: Bytes

    def horizons(self) -> list[float]:
        """Heights of the horizon in the regions that show it."""
        return [
            horizon(row.picture, row.wish)
            for row in self.regions
            if row.wish.style == "flat" and row.wish.subject not in REACHING
        ]

    def agrees(self) -> bool | None:
        """Tell whether the regions' horizons lie within 3 % of the height of each other.

        None where fewer than two regions show theirs.
        """
        found = self.horizons()
        return None if len(found) < 2 else max(found) - min(found) <= AGREEMENT


def whole_share(scenes: Sequence[SceneSeen]) -> tuple[float, int]:
    """Share of the things that are whole and once in their region, and how many can be told."""
    told = [
        whole
        for scene in scenes
        for row in scene.regions
        if (whole := is_whole(row.picture, row.wish)) is not None
    ]
    return sum(told) / max(1, len(told)), len(told)


def judge_scenes(painter: Painter, judge: Judge, count: int, seed: int) -> list[SceneSeen]:
    """Paint scenes of two and of three regions and judge each region on its own columns."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        parts = 2 + index % 2
        asked = [(wording(wish, rng), wish) for wish in random_scene(parts, rng)]
        patches, width = patches_of([prompt for prompt, _ in asked])
        canvas = painter.mixture(patches, REGION_PX, width, seed + index)
        regions = judged(judge, asked, own_parts(canvas, parts), f"{parts} regions")
        found.append(SceneSeen(regions=regions, canvas=canvas))
    return found


def seam_ratio(painter: Painter, count: int, seed: int) -> float:
    """Gradient energy in the overlap of two regions of one light against their interiors.

    Both regions have the same prompt of a landscape without a thing in its middle.
    """
    rng = np.random.default_rng(seed)
    pictures = []
    for index in range(count):
        wish = random_scene(1, rng)[0]
        quiet = replace(
            wish, subject=("dirt road", "river", "forest", "fence")[index % 4], style="flat"
        )
        prompt = wording(quiet, rng)
        patches, width = patches_of([prompt, prompt])
        pictures.append(painter.mixture(patches, REGION_PX, width, seed + index))
    return same_prompt_ratio(pictures, 2, REGION_PX, OVERLAP_PX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The same scenes of three regions by one method."""

    method: str
    regions: list[Seen]
    canvases: list[Bytes]

    @property
    def step_ratio(self) -> float:
        """Median of the strongest step in the overlaps against the interiors."""
        ratios = [worst_step_ratio(c, 3, REGION_PX, OVERLAP_PX) for c in self.canvases]
        return float(np.median(ratios))


def paint_by(painter: Painter, method: str, prompts: Sequence[str], seed: int) -> Bytes:
    """Paint one scene by one of the methods."""
    if method == "hard-cut pasting":
        alone = painter.singles(prompts, seed, side_px=REGION_PX)
        pieces = []
        for index, picture in enumerate(alone):
            columns = own_columns(index, len(prompts), REGION_PX, OVERLAP_PX)
            start = index * (REGION_PX - OVERLAP_PX)
            pieces.append(picture[:, columns.start - start : columns.stop - start])
        return np.concatenate(pieces, axis=1)
    mask_type = "constant" if method == "one prompt" else method.split()[0]
    patches, width = patches_of(prompts, mask_type)
    if method == "one prompt":
        text = ", ".join(f"{p} {place}" for p, place in zip(prompts, PLACES, strict=True))
        patches = [replace(patches[0], prompt=text, width=width)]
    return painter.mixture(patches, REGION_PX, width, seed)


def compare(painter: Painter, judge: Judge, count: int, seed: int) -> list[Outcome]:
    """Paint the same scenes of three by every method and judge each region's own columns."""
    rng = np.random.default_rng(seed)
    rows = [[(wording(wish, rng), wish) for wish in random_scene(3, rng)] for _ in range(count)]
    outcomes = []
    for method in METHODS:
        regions, canvases = list[Seen](), list[Bytes]()
        for index, asked in enumerate(rows):
            canvas = paint_by(painter, method, [prompt for prompt, _ in asked], seed + index)
            regions += judged(judge, asked, own_parts(canvas, 3), method)
            canvases.append(canvas)
        outcomes.append(Outcome(method=method, regions=regions, canvases=canvases))
    return outcomes


def more_often_right(first: Outcome, second: Outcome) -> tuple[int, int, float]:
    """Count the regions whose subject only one of two methods shows, and how likely by chance.

    The third is the two-sided probability of so unequal counts if neither were better (sign test).
    """
    rights = [[bool(row.right("subject")) for row in o.regions] for o in (first, second)]
    ahead = sum(a and not b for a, b in zip(*rights, strict=True))
    behind = sum(b and not a for a, b in zip(*rights, strict=True))
    total = ahead + behind
    if total == 0:
        return 0, 0, 1.0
    tail = sum(comb(total, k) for k in range(max(ahead, behind), total + 1)) / 2**total
    return ahead, behind, min(1.0, 2 * tail)
