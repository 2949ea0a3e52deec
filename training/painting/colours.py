"""The named colours, and shading that keeps a colour's hue."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from training.painting.noise import Field

Colour = NDArray[np.float32]
Pixels = NDArray[np.float32]

NAMED: dict[str, tuple[float, float, float]] = {
    "red": (0.80, 0.09, 0.10),
    "orange": (0.95, 0.47, 0.06),
    "yellow": (0.95, 0.84, 0.15),
    "green": (0.20, 0.62, 0.18),
    "turquoise": (0.10, 0.72, 0.70),
    "blue": (0.12, 0.28, 0.82),
    "purple": (0.48, 0.16, 0.68),
    "pink": (0.96, 0.48, 0.70),
    "brown": (0.44, 0.26, 0.12),
    "black": (0.10, 0.10, 0.11),
    "white": (0.93, 0.93, 0.92),
    "grey": (0.50, 0.50, 0.51),
}
SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("red", "crimson", "scarlet"),
    "orange": ("orange",),
    "yellow": ("yellow", "golden"),
    "green": ("green", "emerald"),
    "turquoise": ("turquoise", "teal", "cyan"),
    "blue": ("blue", "azure"),
    "purple": ("purple", "violet"),
    "pink": ("pink", "rose"),
    "brown": ("brown",),
    "black": ("black",),
    "white": ("white",),
    "grey": ("grey", "gray"),
}
ACHROMATIC = ("black", "white", "grey")
WHITE: Colour = np.array([1.0, 1.0, 1.0], np.float32)
BLACK: Colour = np.array([0.0, 0.0, 0.0], np.float32)


def rgb(red: float, green: float, blue: float) -> Colour:
    """Make a colour of three numbers in [0, 1]."""
    return np.array([red, green, blue], np.float32)


def jittered(colour: Colour, rng: np.random.Generator, amount: float = 1.0) -> Colour:
    """Vary a colour a little without leaving its name."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(float(c) for c in colour))
    hue = (hue + amount * rng.uniform(-0.012, 0.012)) % 1.0
    saturation = min(1.0, saturation * (1.0 + amount * rng.uniform(-0.10, 0.08)))
    value = min(1.0, value * (1.0 + amount * rng.uniform(-0.08, 0.08)))
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value), np.float32)


def toned(colour: Colour, tone: str) -> Colour:
    """Darken or brighten a colour as the words "dark" and "bright" ask."""
    if tone == "dark":
        return colour * np.float32(0.55)
    if tone == "bright":
        return colour + (WHITE - colour) * np.float32(0.38)
    return colour


def mixed(low: Colour | Pixels, high: Colour | Pixels, amount: Field) -> Pixels:
    """Blend two colours or pictures by a field in [0, 1]."""
    return (low + (high - low) * amount[..., None]).astype(np.float32)


def shaded(colour: Colour | Pixels, light: Field) -> Pixels:
    """Light a colour: -1 is deep shadow, 0 the colour itself, 1 a strong highlight."""
    dark = 1.0 + 0.75 * np.minimum(light, 0.0)
    base = colour * dark[..., None]
    # Lights on black stay darker than grey.
    glow = (0.3 + 0.3 * colour.max(-1)) * np.maximum(light, 0.0)
    return (base + (1.0 - base) * glow[..., None]).astype(np.float32)


def luminance(colour: Colour) -> float:
    """Weigh a colour's channels as the eye does."""
    return float(colour @ np.array([0.2126, 0.7152, 0.0722], np.float32))
