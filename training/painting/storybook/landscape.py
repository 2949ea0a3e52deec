"""What a landscape shows, and its painting."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.painting.colours import NAMED
from training.painting.storybook.canvas import Bytes
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.nature import lake
from training.painting.storybook.scene import Look, Scene
from training.painting.storybook.styles import STYLES, Layers
from training.painting.storybook.subjects import BEHIND, BESIDE, BY_NAME, NAMES, Subject

Size = Literal["", "small", "giant"]
SCALE: dict[str, tuple[float, float]] = {
    "": (0.9, 1.06),
    "small": (0.56, 0.64),
    "giant": (1.2, 1.32),
}
HELD_OUT_SHARE = 16
FLAT_SHARE = 0.5
SECOND_SHARE, POSTCARD_SECOND_SHARE = 0.14, 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """A wish for a landscape; the empty string means that nothing was said about it.

    Where the style does not keep the light, `light` is "day" and `season` "green".
    """

    subject: str
    light: str = "day"
    season: str = "green"
    style: str = "flat"
    colour: str = ""
    size: Size = ""
    second: str = ""
    lamp: bool = False
    old: bool = False
    charming: bool = False

    def held_out(self) -> bool:
        """Tell whether training never sees this subject in this light, season and style."""
        if self.light == "day" and self.season == "green" and self.style == "flat":
            return False
        key = "|".join((self.subject, self.light, self.season, self.style))
        return hashlib.sha256(key.encode()).digest()[0] % HELD_OUT_SHARE == 0


def _one_of(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def random_landscape(
    rng: np.random.Generator,
    subject: str | None = None,
    *,
    training: bool = True,
    postcard: bool = False,
) -> Landscape:
    """Draw a wish; combinations that are held out come only where `training` is false.

    A postcard often shows a second thing, snow and a night.
    """
    lights = ("night", "night", *LIGHTS) if postcard else ("day", *LIGHTS, "sunset")
    seasons = ("snow", *SEASONS) if postcard else ("green", *SEASONS)
    while True:
        own = BY_NAME[subject or _one_of(rng, NAMES)]
        style = "flat" if rng.random() < FLAT_SHARE else _one_of(rng, tuple(STYLES)[1:])
        keeps = STYLES[style].keeps_light
        light = _one_of(rng, lights) if keeps else "day"
        season = _one_of(rng, seasons) if keeps else "green"
        if own.name == "snowman" and keeps:
            season = "snow"
        colour = _one_of(rng, tuple(NAMED)) if own.colours and rng.random() < 0.25 else ""
        size: Size = ""
        if not own.wide and rng.random() < 0.3:
            size = "giant" if rng.random() < 0.6 else "small"
        second = ""
        if rng.random() < (POSTCARD_SECOND_SHARE if postcard else SECOND_SHARE):
            place = BEHIND if own.wide or rng.random() < 0.5 else BESIDE
            second = _one_of(rng, place)
            if own.wide or own.name in ("lying robot", "boat", "bridge", "lighthouse", second):
                second = ""
        wish = Landscape(
            subject=own.name,
            light=light,
            season=season,
            style=style,
            colour=colour,
            size=size,
            second=second,
            lamp=LIGHTS[light].lamp_words != () and keeps and rng.random() < 0.3,
            old=own.ages and rng.random() < 0.22,
            charming=own.charming and rng.random() < 0.3,
        )
        if wish.old and wish.charming:
            continue
        if not (training and wish.held_out()):
            return wish


def _put(
    scene: Scene, own: Subject, look: Look, x: float, scale: float, *, lift: float = 0.0
) -> None:
    u = scene.unit
    half = own.half * scale * u
    if not own.wide:
        x = min(max(x, half), max(half, scene.width - half))
    foot = scene.horizon + (own.foot * (0.6 + 0.4 * scale) - lift) * u
    own.paint(scene, x, foot + scene.between(-1.5, 1.5) * u, own.size * scale * u, look)


def paint(wish: Landscape, height_px: int, width_px: int, rng: np.random.Generator) -> Bytes:
    """Paint a wish.

    Shapes: (H, W, 3).
    """
    scene = Scene(
        width=width_px,
        height=height_px,
        rng=rng,
        light_name=wish.light,
        season_name=wish.season,
        lamp=wish.lamp,
    )
    scene.paint_back()
    own = BY_NAME[wish.subject]
    red, green, blue = (255.0 * c for c in NAMED[wish.colour or "red"])
    look = Look(
        colour=(red, green, blue) if wish.colour else None, old=wish.old, charming=wish.charming
    )
    u = scene.unit
    x = scene.width / 2 + scene.between(-0.12, 0.12) * scene.width
    scale = scene.between(*SCALE[wish.size])
    if wish.second in BEHIND:
        behind = BY_NAME[wish.second]
        _put(scene, behind, Look(), scene.width / 2, 0.9)
    if wish.second in BESIDE:
        side = -1 if scene.chance(0.5) else 1
        beside = BY_NAME[wish.second]
        small = min(1.0, scale) * 0.62
        edge = scene.width / 2 + side * (scene.width / 2 - beside.half * small * u)
        _put(scene, beside, Look(), edge, small, lift=2.0)
        scale *= 0.84
        x = scene.width / 2 - side * (scene.width / 2 - own.half * scale * u) * 0.8
    if own.shore:
        lake(scene, x, scene.horizon, 0.0, Look())
    _put(scene, own, look, x, scale)
    layers = _layers(scene)
    return STYLES[wish.style].paint(layers)


def _layers(scene: Scene) -> Layers:
    back = scene.back.pixels()[..., :3].astype(np.float32)
    things = scene.front.pixels()
    alpha = things[..., 3:].astype(np.float32) / 255.0
    front = things[..., :3].astype(np.float32)
    return Layers(
        whole=back + (front - back) * alpha,
        front=front,
        alpha=alpha,
        unit=scene.unit,
        rng=scene.rng,
    )
