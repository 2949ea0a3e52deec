"""Does the model paint what was asked: single prompts, and each region of mixtures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.colours import shows_colour
from benchmarks.generation import Bytes, Painter, own_columns, row_of
from training.classifier import Classifier
from training.painting.colours import ACHROMATIC
from training.painting.concepts import CONCEPTS, NAMES
from training.painting.prompts import Wish, held_out_wording, random_wish, wordings

OVERLAP_PX = 32
REGION_PX = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One picture, or one region's part of one, with what was asked and what was seen."""

    prompt: str
    wish: Wish
    seen: str
    colour_right: bool | None
    picture: Bytes
    kind: str

    @property
    def concept_right(self) -> bool:
        """Return whether the classifier names the concept that was asked for."""
        return self.seen == self.wish.concept


# Ordinary wordings, written down before the model was trained and not drawn by its templates.
PLAIN_PROMPTS: tuple[tuple[str, Wish], ...] = (
    ("red brick wall", Wish(concept="bricks", colour="red")),
    ("wall of yellow bricks", Wish(concept="bricks", colour="yellow")),
    ("a brick wall in blue", Wish(concept="bricks", colour="blue")),
    ("blue and white stripes", Wish(concept="stripes", colour="blue", second="white")),
    ("red and yellow vertical stripes", Wish(concept="stripes", colour="red", second="yellow")),
    ("green grass", Wish(concept="grass", colour="green")),
    ("wooden planks", Wish(concept="planks")),
    ("brown wooden floor", Wish(concept="planks", colour="brown")),
    ("sky with clouds", Wish(concept="sky")),
    ("blue sky with white clouds", Wish(concept="sky", colour="blue")),
    ("starry night", Wish(concept="starry night")),
    ("rusty metal", Wish(concept="rust")),
    ("woven fabric", Wish(concept="fabric")),
    ("polka dots", Wish(concept="polka dots")),
    ("red polka dots on white", Wish(concept="polka dots", colour="red", second="white")),
    ("checkerboard", Wish(concept="checkerboard")),
    ("black and white checkerboard", Wish(concept="checkerboard", colour="black", second="white")),
    ("marble", Wish(concept="marble")),
    ("green marble", Wish(concept="marble", colour="green")),
    ("lava", Wish(concept="lava")),
    ("snow", Wish(concept="snow")),
    ("sand", Wish(concept="sand")),
    ("water", Wish(concept="water")),
    ("turquoise water", Wish(concept="water", colour="turquoise")),
    ("cobblestone", Wish(concept="cobblestone")),
    ("leaves", Wish(concept="leaves")),
    ("purple leaves", Wish(concept="leaves", colour="purple")),
    ("pink flowers", Wish(concept="flowers", colour="pink")),
    ("honeycomb", Wish(concept="honeycomb")),
    ("asphalt road", Wish(concept="asphalt")),
    ("snowy mountains", Wish(concept="mountains")),
    ("sunset", Wish(concept="sunset")),
)


def named(classifier: Classifier, pictures: Sequence[Bytes]) -> list[str]:
    """Let the classifier name the concept of each picture."""
    names = []
    with torch.no_grad():
        for picture in pictures:
            values = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
            names.append(NAMES[int(classifier(values / 127.5 - 1.0).argmax())])
    return names


def judged(
    classifier: Classifier,
    asked: Sequence[tuple[str, Wish]],
    pictures: Sequence[Bytes],
    kind: str,
) -> list[Judged]:
    """Judge pictures by concept and, where one was named, by colour."""
    return [
        Judged(
            prompt=prompt,
            wish=wish,
            seen=seen,
            colour_right=shows_colour(picture, wish) if wish.colour else None,
            picture=picture,
            kind=kind,
        )
        for (prompt, wish), picture, seen in zip(
            asked, pictures, named(classifier, pictures), strict=True
        )
    ]


def single_wishes(per_concept: int, seed: int) -> list[tuple[str, str, Wish]]:
    """Draw prompts of three kinds: trained wordings, held-out combinations, held-out orders."""
    rng = np.random.default_rng(seed)
    asked: list[tuple[str, str, Wish]] = [("plain", text, wish) for text, wish in PLAIN_PROMPTS]
    for concept in CONCEPTS:
        for _ in range(per_concept):
            wish = random_wish(rng, concept.name)
            asked.append(("trained wording", wordings(wish, rng), wish))
        wish = random_wish(rng, concept.name)
        asked.append(("new word order", held_out_wording(wish, rng), wish))
        for _ in range(400):
            wish = random_wish(rng, concept.name, training=False)
            if wish.held_out():
                asked.append(("new combination", wordings(wish, rng), wish))
                break
    return asked


def judge_singles(
    painter: Painter, classifier: Classifier, per_concept: int, seed: int
) -> list[Judged]:
    """Paint and judge single prompts."""
    asked = single_wishes(per_concept, seed)
    pictures = painter.singles([text for _, text, _ in asked], seed)
    found: list[Judged] = []
    for kind in dict.fromkeys(kind for kind, _, _ in asked):
        chosen = [i for i, (own, _, _) in enumerate(asked) if own == kind]
        found += judged(
            classifier,
            [asked[i][1:] for i in chosen],
            [pictures[i] for i in chosen],
            kind,
        )
    return found


def random_row(parts: int, rng: np.random.Generator) -> list[tuple[str, Wish]]:
    """Draw unlike concepts for the regions of one mixture, half of them with a colour."""
    chosen = rng.permutation(len(CONCEPTS))[:parts]
    wishes = [random_wish(rng, CONCEPTS[i].name) for i in chosen]
    return [(wordings(wish, rng), wish) for wish in wishes]


def judge_mixtures(
    painter: Painter, classifier: Classifier, count: int, seed: int
) -> tuple[list[Judged], list[tuple[str, Bytes]]]:
    """Paint rows of two and of three regions and judge each on its own columns."""
    rng = np.random.default_rng(seed)
    found, whole = list[Judged](), list[tuple[str, Bytes]]()
    for index in range(count):
        parts = 2 + index % 2
        asked = random_row(parts, rng)
        patches, width = row_of([text for text, _ in asked], overlap_px=OVERLAP_PX)
        canvas = painter.mixture(patches, REGION_PX, width, seed + index)
        pieces = [canvas[:, own_columns(i, parts, REGION_PX, OVERLAP_PX)] for i in range(parts)]
        rows = judged(classifier, asked, pieces, f"{parts} regions")
        found += rows
        mark = "" if all(row.concept_right for row in rows) else "!"
        whole.append((mark + " | ".join(text for text, _ in asked), canvas))
    return found, whole


def concept_share(found: Sequence[Judged]) -> float:
    """Share of judged pictures with the right concept."""
    return sum(row.concept_right for row in found) / max(1, len(found))


def colour_share(found: Sequence[Judged]) -> tuple[float, int]:
    """Share of the judged colours that are right, and how many were judged."""
    rows = [row.colour_right for row in found if row.colour_right is not None]
    return sum(rows) / max(1, len(rows)), len(rows)


def weak_concepts(found: Sequence[Judged]) -> list[str]:
    """List what went wrong, the most frequent first: asked → seen."""
    wrong = Counter(f"{row.wish.concept} → {row.seen}" for row in found if not row.concept_right)
    return [f"{pair} ({count})" for pair, count in wrong.most_common(12)]


def weak_colours(found: Sequence[Judged]) -> list[str]:
    """List the colours that were missed most often."""
    wrong = Counter(
        row.wish.colour + (" (neutral)" if row.wish.colour in ACHROMATIC else "")
        for row in found
        if row.colour_right is False
    )
    return [f"{name} ({count})" for name, count in wrong.most_common(8)]
