"""The stage: sky, hills and ground of one light and season, and the layer that things stand on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from training.painting.storybook.canvas import RGB, Canvas, Point
from training.painting.storybook.light import LIGHTS, SEASONS, Light, Season

HORIZON = 0.60
"""Share of the height at which every landscape's ground begins, so that neighbours agree."""
STAR: RGB = (255, 250, 226)
SNOW: RGB = (244, 248, 254)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a thing is asked for: its colour, or None for a usual one, and what adjectives say."""

    colour: RGB | None = None
    old: bool = False
    charming: bool = False


@dataclass(slots=True, kw_only=True)
class Scene:
    """One landscape in the making.

    `back` holds sky, hills and ground, `front` the things, on a transparent ground. Units: `unit`
    is a hundredth of the shorter side; a cell of the autoencoder is 3 units at 256 px.
    """

    width: int
    height: int
    rng: np.random.Generator
    light_name: str
    season_name: str
    lamp: bool = False
    back: Canvas = field(init=False)
    front: Canvas = field(init=False)
    unit: float = field(init=False)
    horizon: float = field(init=False)
    light: Light = field(init=False)
    season: Season = field(init=False)

    def __post_init__(self) -> None:
        """Set up the layers and the measures."""
        self.back = Canvas(self.width, self.height)
        self.front = Canvas(self.width, self.height)
        self.unit = min(self.width, self.height) / 100.0
        self.horizon = HORIZON * self.height
        self.light = LIGHTS[self.light_name]
        self.season = SEASONS[self.season_name]

    @property
    def snow(self) -> bool:
        """Tell whether snow lies on roofs and branches."""
        return self.season.snow

    def lit(self, colour: RGB, shade: float = 1.0) -> RGB:
        """Give a thing's colour as this light shows it."""
        own = [c * t * shade for c, t in zip(colour, self.light.tint, strict=True)]
        red, green, blue = (
            c + (v - c) * self.light.veil for c, v in zip(own, self.light.low, strict=True)
        )
        return red, green, blue

    def window(self) -> RGB:
        """Give the colour of a window: bright in the dark."""
        return (255, 216, 112) if self.light.lit_windows else (112, 166, 206)

    def one_of(self, *colours: RGB) -> RGB:
        """Draw one of the colours that are usual for a thing."""
        return colours[int(self.rng.integers(len(colours)))]

    def chance(self, share: float) -> bool:
        """Tell at random, true in this share of the pictures."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """Draw a number."""
        return float(self.rng.uniform(low, high))

    def ground(self) -> RGB:
        """Give the ground's colour at the horizon."""
        return self.lit(self.season.ground)

    def paint_back(self) -> None:
        """Paint all that lies behind the things."""
        self._sky()
        self._hills()

    def _sky(self) -> None:
        back, u, light = self.back, self.unit, self.light
        full: list[Point] = [
            (0, 0),
            (self.width, 0),
            (self.width, self.height),
            (0, self.height),
        ]
        back.fade(full, (0.0, light.top), (self.horizon, light.low))
        many = self.width / self.height
        if self.light_name == "night":
            for _ in range(round(24 * many)):
                where = self.between(0, self.width), self.between(0, self.horizon - 8 * u)
                back.disc(*where, u * self.between(0.8, 1.7), STAR)
        if self.lamp:
            self._lamp()
        if self.light_name in ("day", "sunset", "dark sunset"):
            for _ in range(int(self.rng.integers(1, 2 + round(2 * many)))):
                self._cloud(self.between(0, self.width), self.between(0.06, 0.34) * self.height)
        if self.light_name == "storm":
            for i in range(round(5 * many) + 1):
                x = (i + self.between(-0.3, 0.3)) * self.width / (5 * many)
                y = self.between(0.0, 0.16) * self.height
                back.ellipse(x, y, self.between(16, 26) * u, self.between(8, 13) * u, light.cloud)
            if self.chance(0.6):
                self._bolt(self.between(0.1, 0.9) * self.width)

    def _lamp(self) -> None:
        u, x = self.unit, self.between(0.15, 0.85) * self.width
        if self.light_name == "night":
            y = self.between(0.12, 0.24) * self.height
            self.back.halo(x, y, 18 * u, (220, 224, 240), 0.4)
            self.back.disc(x, y, 8 * u, (246, 242, 218))
        elif "sunset" in self.light_name:
            disc: RGB = (255, 232, 160) if self.light_name == "sunset" else (232, 96, 52)
            y = self.horizon - self.between(6, 14) * u
            self.back.halo(x, y, 24 * u, disc, 0.5)
            self.back.disc(x, y, 9 * u, disc)

    def _cloud(self, x: float, y: float) -> None:
        u, wide = self.unit, self.between(9, 17) * self.unit
        for place, high in ((-1.0, 0.30), (-0.35, 0.48), (0.35, 0.42), (1.0, 0.28)):
            lift = self.between(0.0, 0.12) * wide
            self.back.ellipse(
                x + place * wide * 0.72, y - lift, wide * 0.55, wide * high, self.light.cloud
            )
        self.back.box(
            x - wide, y + 0.02 * wide, 2 * wide, 0.24 * wide, self.light.cloud, corner=2 * u
        )

    def _bolt(self, x: float) -> None:
        u, y = self.unit, 0.16 * self.height
        points: list[Point] = [(x, y)]
        while y < self.horizon - 6 * u:
            x, y = x + self.between(-6, 6) * u, y + self.between(7, 11) * u
            points.append((x, y))
        self.back.line(points, (255, 250, 200), 1.8 * u)

    def _ridge(self, base: float, swing: float, length: float) -> list[Point]:
        phase, second = self.between(0, 6.3), self.between(0, 6.3)
        xs = np.linspace(0, self.width, 40)
        line = [
            (
                float(x),
                base
                - swing
                * (math.sin(phase + x / length) + 0.4 * math.sin(second + 2.3 * x / length)),
            )
            for x in xs
        ]
        return [(0, self.height), *line, (self.width, self.height)]

    def _hills(self) -> None:
        u, far, ground = self.unit, self.light.low, self.ground()
        for depth, haze in ((0, 0.50), (1, 0.24)):
            red, green, blue = (
                0.92 * (f * haze + g * (1 - haze)) for f, g in zip(far, ground, strict=True)
            )
            base = self.horizon - (3.4 - 2.2 * depth) * u
            swing = (1.6 - 0.6 * depth) * u
            self.back.polygon(self._ridge(base, swing, 22 * u), (red, green, blue))
        near = _scaled(ground, 1.04)
        self.back.fade(
            self._ridge(self.horizon + 1.0 * u, 0.5 * u, 26 * u),
            (self.horizon, near),
            (float(self.height), _scaled(ground, 0.80)),
        )
        for _ in range(round(7 * self.width / self.height)):
            x, y = self.between(0, self.width), self.between(self.horizon + 8 * u, self.height)
            shade = 0.90 if self.chance(0.5) or self.snow else 1.08
            self.back.ellipse(x, y, self.between(5, 10) * u, 1.5 * u, _scaled(ground, shade), 0.7)


def _scaled(colour: RGB, factor: float) -> RGB:
    red, green, blue = (c * factor for c in colour)
    return red, green, blue
