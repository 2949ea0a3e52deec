"""What a reference picture, a reroll, guidance and a negative prompt change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.colours import colour_shares
from benchmarks.generation import NATIVE_PX, Bytes, Painter, row_of
from engine.pipelines import RerollRegion
from training.painting.prompts import Wish, paint

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
REFERENCES = (
    (Wish(concept="checkerboard", colour="red", second="white"), "brick wall"),
    (Wish(concept="hills"), "green grass"),
    (Wish(concept="polka dots", colour="blue", second="yellow"), "water"),
    (Wish(concept="mountains"), "snow"),
)


def likeness(first: Bytes, second: Bytes) -> float:
    """Correlation of two pictures' values after halving their size twice."""

    def coarse(picture: Bytes) -> np.ndarray:
        values = picture.astype(np.float64)
        height, width, _ = values.shape
        blocks = values[: height // 4 * 4, : width // 4 * 4].reshape(
            height // 4, 4, width // 4, 4, 3
        )
        return blocks.mean((1, 3)).ravel()

    return float(np.corrcoef(coarse(first), coarse(second))[0, 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Guided:
    """One prompt over one reference at growing strength."""

    prompt: str
    reference: Bytes
    pictures: list[Bytes]
    likenesses: list[float]


def by_strength(painter: Painter, seed: int) -> list[Guided]:
    """Paint each reference at each strength."""
    found = []
    for index, (wish, prompt) in enumerate(REFERENCES):
        rng = np.random.default_rng([seed, index])
        reference = np.round(paint(wish, NATIVE_PX, NATIVE_PX, rng) * 255.0).astype(np.uint8)
        patches, width = row_of([prompt])
        pictures = [
            painter.mixture(
                patches, NATIVE_PX, width, seed + index, reference=reference, strength=strength
            )
            for strength in STRENGTHS
        ]
        found.append(
            Guided(
                prompt=prompt,
                reference=reference,
                pictures=pictures,
                likenesses=[likeness(picture, reference) for picture in pictures],
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerolled:
    """Mean change of the values, in steps of 255, inside the rerolled area and outside."""

    change: str
    inside: float
    outside: float
    picture: Bytes


def rerolled(painter: Painter, seed: int) -> tuple[Bytes, list[Rerolled]]:
    """Reroll the right half of a row of two, wholly and a little."""
    patches, width = row_of(["red brick wall", "cobblestone"])
    before = painter.mixture(patches, NATIVE_PX, width, seed)
    found = []
    for mode, epsilon in (("reset", 0.0), ("epsilon", 0.1), ("epsilon", 0.5)):
        reroll = RerollRegion(
            row_init=0,
            row_end=NATIVE_PX,
            col_init=width // 2,
            col_end=width,
            region_seed=seed + 7,
            noise_eps=epsilon,
            reroll_mode=mode,
        )
        after = painter.mixture(patches, NATIVE_PX, width, seed, rerolls=[reroll])
        change = np.abs(after.astype(float) - before.astype(float)).mean((0, 2))
        found.append(
            Rerolled(
                change=mode if mode == "reset" else f"{mode} {epsilon}",
                inside=float(change[width // 2 :].mean()),
                outside=float(change[: width // 2].mean()),
                picture=after,
            )
        )
    return before, found


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Share of red pixels in "brick wall" without and with "red" as the negative prompt."""

    red_share: float
    red_share_when_negative: float
    colour_share_by_guidance: dict[float, float]


def steering(painter: Painter, seed: int, count: int = 8) -> Steering:
    """Measure what a negative prompt and guidance do to colour."""

    def red(pictures: list[Bytes], name: str = "red") -> float:
        return float(np.mean([colour_shares(picture)[name] for picture in pictures]))

    walls = ["brick wall"] * count
    waters = ["purple water"] * count
    return Steering(
        red_share=red(painter.singles(walls, seed)),
        red_share_when_negative=red(painter.singles(walls, seed, negative="red")),
        colour_share_by_guidance={
            scale: red(painter.singles(waters, seed, guidance=scale), "purple")
            for scale in (1.0, 2.0, 4.0, 7.5)
        },
    )
