"""Lights and seasons: what decides the colours of sky and ground, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

from training.painting.storybook.canvas import RGB


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Colours of the sky from its top to the horizon, of clouds, and what things are tinted by.

    `veil` is how much of the haze, in the sky's lower colour, lies over things.
    """

    top: RGB
    low: RGB
    cloud: RGB
    tint: RGB
    veil: float = 0.0
    lit_windows: bool = True
    words: tuple[str, ...]
    lamp_words: tuple[str, ...] = ()


LIGHTS: dict[str, Light] = {
    "day": Light(
        top=(78, 152, 238),
        low=(204, 230, 252),
        cloud=(252, 252, 254),
        tint=(1.0, 1.0, 1.0),
        lit_windows=False,
        words=("", "", "", "sunny day", "daylight", "bright day", "blue sky", "at noon", "sunny"),
    ),
    "sunset": Light(
        top=(104, 76, 150),
        low=(255, 174, 92),
        cloud=(255, 186, 140),
        tint=(1.0, 0.80, 0.64),
        words=(
            "sunset lighting",
            "sunset lighting",
            "sunset",
            "at sunset",
            "evening",
            "golden hour",
            "evening light",
            "in the evening",
        ),
        lamp_words=("setting sun", "low sun", "sunset with the sun"),
    ),
    "dark sunset": Light(
        top=(38, 22, 54),
        low=(176, 56, 42),
        cloud=(112, 46, 62),
        tint=(0.60, 0.44, 0.44),
        words=(
            "dark sunset lighting",
            "dark sunset lighting",
            "dark sunset",
            "dusk",
            "at dusk",
            "red dusk",
            "twilight",
        ),
        lamp_words=("dark sunset with a red sun", "red sun at dusk"),
    ),
    "night": Light(
        top=(8, 12, 42),
        low=(44, 62, 118),
        cloud=(40, 50, 92),
        tint=(0.42, 0.50, 0.72),
        words=(
            "night",
            "at night",
            "starry night sky",
            "under a starry night sky",
            "stars",
            "midnight",
            "night sky",
            "under the stars",
        ),
        lamp_words=("moonlight", "full moon", "night with a full moon", "moonlit night"),
    ),
    "mist": Light(
        top=(182, 192, 200),
        low=(226, 228, 228),
        cloud=(214, 218, 222),
        tint=(0.92, 0.94, 0.95),
        veil=0.42,
        words=("mist", "misty morning", "fog", "misty", "in the fog", "foggy", "haze"),
    ),
    "storm": Light(
        top=(40, 46, 60),
        low=(132, 140, 146),
        cloud=(66, 72, 86),
        tint=(0.58, 0.62, 0.66),
        words=("storm", "stormy sky", "thunderstorm", "dark storm clouds", "stormy", "lightning"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """Colours of the ground and of leaves."""

    ground: RGB
    leaves: tuple[RGB, ...]
    snow: bool = False
    words: tuple[str, ...]


SEASONS: dict[str, Season] = {
    "green": Season(
        ground=(112, 176, 82),
        leaves=((58, 134, 62), (84, 152, 60), (44, 118, 76)),
        words=("", "", "", "summer", "in summer", "spring", "green meadows"),
    ),
    "autumn": Season(
        ground=(200, 146, 70),
        leaves=((214, 106, 36), (224, 152, 44), (186, 66, 40)),
        words=("autumn", "in autumn", "fall", "autumn colors", "autumn colours", "october"),
    ),
    "snow": Season(
        ground=(234, 240, 248),
        leaves=((74, 122, 104), (92, 138, 120), (66, 108, 96)),
        snow=True,
        words=(
            "surrounded by snow",
            "snow",
            "winter",
            "in winter",
            "snowy",
            "covered in snow",
            "in the snow",
        ),
    ),
}
