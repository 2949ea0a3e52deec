"""What grows and flows: trees, roads, water, mountains, gardens.

Every painter draws around (x, y), the middle of its foot, `size` pixels large.
"""

from __future__ import annotations

import math

import numpy as np

from training.painting.storybook.buildings import WOOD, fence
from training.painting.storybook.canvas import RGB, Point
from training.painting.storybook.scene import SNOW, STAR, Look, Scene

WATER: RGB = (78, 146, 208)


def tree(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A broad tree: a trunk and a crown of four clumps."""
    front = scene.front
    leaf = look.colour or scene.season.leaves[int(scene.rng.integers(3))]
    front.polygon(
        [(x - 0.09 * size, y), (x + 0.09 * size, y), (x + 0.05 * size, y - 0.5 * size),
         (x - 0.05 * size, y - 0.5 * size)],
        scene.lit(WOOD),
    )  # fmt: skip
    if look.old or (scene.snow and not look.colour and scene.chance(0.4)):
        _bare(scene, x, y, size)
        return
    wide = scene.between(0.9, 1.1)
    for right, up, radius, shade in (
        (-0.22, 0.5, 0.23, 0.84),
        (0.22, 0.5, 0.23, 0.88),
        (0.0, 0.72, 0.29, 1.0),
        (-0.07, 0.6, 0.2, 1.14),
    ):
        front.disc(x + right * wide * size, y - up * size, radius * size, scene.lit(leaf, shade))
    if scene.snow:
        front.ellipse(x, y - 0.94 * size, 0.19 * size, 0.07 * size, scene.lit(SNOW))
        front.ellipse(x - 0.24 * size, y - 0.68 * size, 0.12 * size, 0.05 * size, scene.lit(SNOW))


def _bare(scene: Scene, x: float, y: float, size: float) -> None:
    wood = scene.lit(WOOD, 0.9)
    for angle, low, long in (
        (-50, 0.42, 0.34),
        (46, 0.46, 0.36),
        (-18, 0.5, 0.42),
        (16, 0.54, 0.4),
    ):
        turn = math.radians(angle)
        start = x, y - low * size
        end = start[0] + math.sin(turn) * long * size, start[1] - math.cos(turn) * long * size
        scene.front.line([start, end], wood, 0.05 * size)
        if scene.snow:
            scene.front.disc(end[0], end[1], 0.05 * size, scene.lit(SNOW))


def conifer(scene: Scene, x: float, y: float, size: float, green: RGB = (36, 98, 64)) -> None:
    """A fir of three tiers."""
    front, wide = scene.front, 0.5 * size
    front.box(x - 0.05 * size, y - 0.14 * size, 0.1 * size, 0.14 * size, scene.lit(WOOD))
    for tier in range(3):
        low, half = y - (0.1 + 0.26 * tier) * size, wide * (1 - 0.26 * tier) / 2
        top = low - 0.42 * size
        front.polygon(
            [(x - half, low), (x + half, low), (x, top)], scene.lit(green, 1 + 0.14 * tier)
        )
        if scene.snow:
            front.polygon(
                [
                    (x - 0.5 * half, low - 0.21 * size),
                    (x + 0.5 * half, low - 0.21 * size),
                    (x, top),
                ],
                scene.lit(SNOW),
            )


def christmas_tree(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A fir with bright balls, garlands and a star."""
    conifer(scene, x, y, size, look.colour or (26, 104, 58))
    balls: tuple[RGB, ...] = ((236, 56, 56), (255, 212, 76), (90, 172, 255), (244, 118, 204))
    for tier, (up, half) in enumerate(((0.17, 0.2), (0.43, 0.15), (0.68, 0.09))):
        count = 4 - tier
        for i in range(count):
            place = (i + 0.5) / count * 2 - 1
            rise = up + scene.between(-0.01, 0.03)
            ball = balls[int(scene.rng.integers(4))]
            scene.front.disc(x + place * half * size, y - rise * size, 0.036 * size, ball)
    star: list[Point] = []
    for i in range(10):
        radius, turn = (0.085 if i % 2 == 0 else 0.036) * size, math.pi * i / 5
        star.append((x + math.sin(turn) * radius, y - 1.04 * size - math.cos(turn) * radius))
    scene.front.polygon(star, (255, 226, 100))
    for side in (-0.22, 0.2):
        gift = scene.one_of((206, 48, 60), (70, 120, 200), (236, 190, 70))
        scene.front.box(x + (side - 0.06) * size, y - 0.1 * size, 0.12 * size, 0.1 * size, gift)
        scene.front.box(x + (side - 0.015) * size, y - 0.1 * size, 0.03 * size, 0.1 * size, STAR)


def forest(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Rows of trees over the whole width, the far ones paler."""
    u = scene.unit
    leafy = scene.chance(0.35) or scene.season_name == "autumn"
    for row in range(3):
        step, high = (15 - row) * u, (34 + 9 * row) * u
        count = int(scene.width / step) + 3
        for i in range(count):
            place = (i - 1 + scene.between(-0.25, 0.25)) * step
            foot = scene.horizon + (2 + 9 * row + scene.between(-1, 1)) * u
            tall = high * scene.between(0.86, 1.14)
            if leafy and scene.chance(0.75):
                tree(scene, place, foot, 0.86 * tall, Look(colour=look.colour))
            else:
                green: RGB = (34 + 22 * (2 - row), 98 + 18 * (2 - row), 66 + 20 * (2 - row))
                conifer(scene, place, foot, tall, look.colour or green)


def mountain(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Three peaks with snow on their tops."""
    rock, foot = look.colour or scene.one_of((118, 120, 138), (132, 116, 110)), scene.horizon
    white = scene.lit(SNOW)
    for place, shade, wide, high in (
        (-0.5, 0.88, 0.56, 0.66),
        (0.54, 0.82, 0.54, 0.58),
        (0.0, 1.0, 0.7, 0.95),
    ):
        peak, top = x + (place + scene.between(-0.06, 0.06)) * size, foot - high * size
        low, half = foot + 2 * scene.unit, wide * size
        scene.front.polygon(
            [(peak - half, low), (peak + half, low), (peak, top)], scene.lit(rock, shade)
        )
        scene.front.polygon(
            [(peak, top), (peak + half, low), (peak + 0.1 * half, low)],
            scene.lit(rock, 0.78 * shade),
        )
        cap = 0.3 * high * size
        scene.front.polygon(
            [
                (peak, top),
                (peak - 0.3 * half, top + cap),
                (peak - 0.12 * half, top + 0.8 * cap),
                (peak, top + 1.12 * cap),
                (peak + 0.14 * half, top + 0.8 * cap),
                (peak + 0.3 * half, top + cap),
            ],
            white,
        )
    _lining(scene, conifers=True)


def _lining(scene: Scene, *, conifers: bool) -> None:
    """A few small trees near the horizon."""
    u = scene.unit
    for _ in range(round(4 * scene.width / scene.height)):
        place, foot = scene.between(0, scene.width), scene.horizon + scene.between(3, 7) * u
        if conifers:
            conifer(scene, place, foot, scene.between(13, 20) * u)
        else:
            tree(scene, place, foot, scene.between(13, 19) * u, Look())


def ribbon(scene: Scene, x: float, colour: RGB, edge: RGB, wide: float = 30.0) -> None:
    """A band that winds from the horizon towards us, as roads and rivers do."""
    u, depth = scene.unit, scene.height - scene.horizon
    bend, far = scene.between(0.1, 0.3) * (1 if scene.chance(0.5) else -1), scene.between(-8, 8) * u
    for extra, tone in ((2.4, edge), (0.0, colour)):
        left, right = list[Point](), list[Point]()
        for share in np.linspace(0.0, 1.0, 24):
            middle = (
                x + far * (1 - share) + bend * depth * math.sin(share * math.pi) * (1 - 0.3 * share)
            )
            half = (1.8 + wide * float(share) ** 1.35 + extra * float(share)) * u
            height = scene.horizon + float(share) * depth
            left.append((middle - half, height))
            right.append((middle + half, height))
        scene.front.polygon([*left, *reversed(right)], tone)


def road(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A road of earth through pastures, at times with a fence or trees beside it."""
    earth = look.colour or scene.one_of((196, 152, 104), (182, 134, 92))
    ribbon(scene, x, scene.lit(earth), scene.lit(earth, 0.78))
    for _ in range(3):
        foot = scene.between(0.3, 0.95)
        place = x + scene.between(-0.2, 0.2) * 30 * foot * scene.unit
        at = scene.horizon + foot * (scene.height - scene.horizon)
        scene.front.ellipse(
            place, at, 4 * foot * scene.unit, 1.3 * scene.unit, scene.lit(earth, 0.84)
        )
    _lining(scene, conifers=False)


def river(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A river with pale ripples, trees on its banks."""
    water = look.colour or WATER
    ribbon(scene, x, scene.lit(water), scene.lit((206, 184, 140) if not scene.snow else SNOW))
    for _ in range(5):
        foot = scene.between(0.25, 0.95)
        at = scene.horizon + foot * (scene.height - scene.horizon)
        place = x + scene.between(-0.3, 0.3) * 30 * foot * scene.unit
        long = (2 + 6 * foot) * scene.unit
        scene.front.box(
            place - long, at, 2 * long, 1.6 * scene.unit, scene.lit((214, 236, 250)),
            corner=scene.unit, alpha=0.8,
        )  # fmt: skip
    _lining(scene, conifers=True)


def lake(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Water from the horizon to the lower edge, in the sky's colours."""
    u, low = scene.unit, scene.light.low
    near: RGB = scene.lit((56, 116, 178))
    top: RGB = (
        0.6 * low[0] + 0.4 * near[0],
        0.6 * low[1] + 0.4 * near[1],
        0.6 * low[2] + 0.4 * near[2],
    )
    start = scene.horizon + 1.5 * u
    scene.front.fade(
        [(0, start), (scene.width, start), (scene.width, scene.height), (0, scene.height)],
        (start, top),
        (float(scene.height), near),
    )
    for _ in range(round(8 * scene.width / scene.height)):
        place, at = scene.between(0, scene.width), scene.between(start + 5 * u, scene.height)
        scene.front.box(
            place, at, scene.between(8, 16) * u, 1.6 * u, scene.lit((224, 240, 250)),
            corner=u, alpha=0.45,
        )  # fmt: skip


def waterfall(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A white fall over a dark cliff into a pool."""
    front, u = scene.front, scene.unit
    rock = scene.lit(look.colour or (110, 102, 98))
    dark: RGB = (rock[0] * 0.78, rock[1] * 0.78, rock[2] * 0.78)
    top, foot = y - 0.92 * size, y
    front.polygon(
        [(x - 0.72 * size, foot), (x - 0.56 * size, top + 0.1 * size), (x - 0.3 * size, top),
         (x + 0.3 * size, top), (x + 0.56 * size, top + 0.1 * size), (x + 0.72 * size, foot)],
        rock,
    )  # fmt: skip
    for place, low in ((-0.5, 0.3), (0.36, 0.36), (-0.32, 0.62), (0.5, 0.66)):
        front.polygon(
            [(x + (place - 0.1) * size, top + (low + 0.2) * size),
             (x + place * size, top + low * size),
             (x + (place + 0.1) * size, top + (low + 0.2) * size)],
            dark,
        )  # fmt: skip
    cover = scene.lit(SNOW if scene.snow else scene.season.leaves[0])
    for place in (-0.46, -0.28, 0.28, 0.46):
        front.ellipse(x + place * size, top + 0.03 * size, 0.14 * size, 0.07 * size, cover)
    front.ellipse(x, foot + 3 * u, 0.62 * size, 8 * u, scene.lit(WATER))
    half = scene.between(0.13, 0.18) * size
    front.polygon(
        [(x - half, top), (x + half, top), (x + 1.25 * half, foot), (x - 1.25 * half, foot)],
        scene.lit((206, 230, 246)),
    )
    for place in (-0.5, 0.1, 0.6):
        front.box(
            x + place * half, top, 0.3 * half, foot - top, scene.lit((250, 253, 255)), corner=u
        )
    for place in (-0.9, -0.3, 0.3, 0.9):
        front.disc(x + place * half, foot, 3.4 * u, scene.lit((246, 250, 253)))


def garden(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Beds of large flowers in rows between hedges, a white fence behind them."""
    front, u = scene.front, scene.unit
    fence(scene, x, scene.horizon + 9 * u, 0.55 * size, Look(colour=(246, 242, 234)))
    green = scene.lit(scene.season.leaves[0])
    tones: tuple[RGB, ...] = ((232, 64, 84), (250, 204, 72), (236, 122, 190), (248, 246, 250))
    for row in range(2):
        at, radius = scene.horizon + (15 + 13 * row) * u, (3.8 + 1.2 * row) * u
        front.box(0, at, scene.width, 9 * u, green, corner=2 * u)
        tone = look.colour or tones[int(scene.rng.integers(4))]
        step = 3.1 * radius
        for i in range(int(scene.width / step) + 2):
            place = (i - 0.5 * (row % 2)) * step
            front.disc(place, at + scene.between(-1, 1) * u, radius, scene.lit(tone))
            front.disc(place, at, 0.4 * radius, scene.lit((250, 226, 120)))
