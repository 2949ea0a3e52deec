"""Which named colours a picture shows, by counting its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.painting.colours import ACHROMATIC, NAMED, rgb, shaded
from training.painting.prompts import Wish

Bytes = NDArray[np.uint8]
Shares = dict[str, float]

NEUTRAL_CHROMA = 0.035
LIGHTNESS_WEIGHT = 0.55
DARKEST_WHITE, LIGHTEST_BLACK = 0.74, 0.40
LEAST_WHITE, MOST_BLACK = 0.745, 0.43
ENOUGH, ENOUGH_NEUTRAL, ENOUGH_OF_TWO = 0.12, 0.5, 0.12
# What a concept always shows beside the colour that was asked for.
COMPANIONS: dict[str, tuple[str, ...]] = {
    "flowers": ("green", "yellow"),
    "rust": ("brown", "orange", "red"),
    "mountains": ("blue",),
    "hills": ("blue",),
    "sunset": ("yellow", "orange", "brown"),
    "lava": ("yellow",),
}


def oklab(colours: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turn sRGB in [0, 1] into OKLab.

    Source: Björn Ottosson, "A perceptual color space for image processing", 2020.
    """
    linear = np.where(colours > 0.04045, ((colours + 0.055) / 1.055) ** 2.4, colours / 12.92)
    cone = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    lab: NDArray[np.float64] = np.cbrt(cone) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
    return lab


def _references() -> tuple[list[str], NDArray[np.float64]]:
    names, rows = list[str](), list[NDArray[np.float64]]()
    for name, value in NAMED.items():
        if name in ACHROMATIC:
            continue
        lights = np.array([[-0.75, -0.5, -0.25, 0.0, 0.25, 0.5]], np.float32)
        lights = lights[:, 2:5] if name == "brown" else lights
        variants = oklab(shaded(rgb(*value), lights)[0])
        names += [name] * len(variants)
        rows.append(variants)
    return names, np.concatenate(rows)


_REFERENCE_NAMES, _REFERENCES = _references()


def colour_shares(picture: Bytes) -> Shares:
    """Give each named colour's share of the picture's pixels; they sum to 1."""
    pixels = oklab(picture[::2, ::2].reshape(-1, 3) / 255.0)
    chroma = np.hypot(pixels[:, 1], pixels[:, 2])
    # A shadow is less colourful than its ground: what counts as neutral shrinks with lightness,
    # down to what a few steps of a byte make of black.
    neutral = chroma < NEUTRAL_CHROMA * np.clip(pixels[:, 0] / 0.6, 0.5, 1.0)
    shares = dict.fromkeys(NAMED, 0.0)
    light = pixels[neutral, 0]
    total = len(pixels)
    shares["white"] = float((light > DARKEST_WHITE).sum()) / total
    shares["black"] = float((light < LIGHTEST_BLACK).sum()) / total
    shares["grey"] = float(neutral.sum()) / total - shares["white"] - shares["black"]
    vivid = pixels[~neutral]
    if len(vivid):
        weights = np.array([LIGHTNESS_WEIGHT, 1.0, 1.0])
        apart = ((vivid[:, None] - _REFERENCES[None]) * weights) ** 2
        nearest = apart.sum(2).argmin(1)
        for index, count in zip(*np.unique(nearest, return_counts=True), strict=True):
            shares[_REFERENCE_NAMES[index]] += float(count) / total
    return shares


def _lower_part(picture: Bytes, wish: Wish) -> Bytes:
    """Leave the pale sky of a landscape out."""
    if wish.concept in ("mountains", "hills"):
        return picture[int(0.38 * len(picture)) :]
    return picture


def shows_colour(picture: Bytes, wish: Wish) -> bool:
    """Return whether the colour that was asked for is the picture's most frequent one.

    Neutral pixels (joints, clouds, snow caps) and a concept's companions do not compete with a
    chromatic colour; black, white and grey must hold half of the picture. Of two colours, each
    must be among the two most frequent.
    """
    part = _lower_part(picture, wish)
    shares = colour_shares(part)
    if wish.second:
        asked = {wish.colour, wish.second}
        ranked = sorted(shares, key=shares.__getitem__, reverse=True)
        return set(ranked[:2]) == asked and min(shares[c] for c in asked) >= ENOUGH_OF_TWO
    if wish.colour in ACHROMATIC:
        return _shows_neutral(part, wish, shares)
    companions = (*ACHROMATIC, *COMPANIONS.get(wish.concept, ()))
    rivals = [shares[n] for n in shares if n not in companions and n != wish.colour]
    return shares[wish.colour] >= ENOUGH and shares[wish.colour] > max(rivals)


def _shows_neutral(picture: Bytes, wish: Wish, shares: Shares) -> bool:
    neutral = sum(shares[name] for name in ACHROMATIC)
    beside = sum(shares[name] for name in COMPANIONS.get(wish.concept, ()))
    if neutral < ENOUGH_NEUTRAL * (1.0 - beside):
        return False
    pixels = oklab(picture[::2, ::2].reshape(-1, 3) / 255.0)
    chroma = np.hypot(pixels[:, 1], pixels[:, 2])
    lightness = float(np.median(pixels[chroma <= max(NEUTRAL_CHROMA, chroma.min()), 0]))
    if lightness > LEAST_WHITE:
        return wish.colour == "white"
    return wish.colour == ("black" if lightness < MOST_BLACK else "grey")
