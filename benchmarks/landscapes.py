"""Landscapes of two and three regions: things in their places, one light, one horizon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.generation import Bytes, Painter, Patch, own_columns, row_of
from benchmarks.seams import same_prompt_ratio
from benchmarks.wholeness import horizon, is_whole
from training.judge import Judge, Verdict, keeps_light, verdicts
from training.painting.storybook.landscape import Landscape, random_landscape
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import NAMES
from training.painting.storybook.wording import wording

REGION_PX = 256
OVERLAP_PX = 64
AGREEMENT = 0.03
HIDING = (
    "boat",
    "forest",
    "fence",
    "garden",
    "mountain",
    "lighthouse",
    "waterfall",
    "train",
    "dirt road",
    "river",
)
"""Subjects that reach over the horizon at a region's edges."""

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
        Seen(prompt=prompt, wish=wish, verdict=verdict, picture=picture, kind=kind)
        for (kind, prompt, wish), picture, verdict in zip(
            asked, pictures, verdicts(judge, pictures), strict=True
        )
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
            if row.wish.style == "flat" and row.wish.subject not in HIDING
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
        pieces = own_parts(canvas, parts)
        regions = [
            Seen(prompt=prompt, wish=wish, verdict=verdict, picture=piece, kind=f"{parts} regions")
            for (prompt, wish), piece, verdict in zip(
                asked, pieces, verdicts(judge, pieces), strict=True
            )
        ]
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
