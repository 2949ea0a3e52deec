"""Styles that are seen at once, made of a painted landscape's two layers.

Shapes: layers (H, W, 4) bytes; results (H, W, 3) bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.painting.noise import fractal_noise
from training.painting.storybook.canvas import RGB, Bytes, Canvas
from training.painting.storybook.scene import HORIZON

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """A landscape before its style.

    Shapes: `whole` (H, W, 3), `front` (H, W, 3), `alpha` (H, W, 1) of the things, from 0 to 1;
    colours from 0 to 255. `unit` is a hundredth of the shorter side, in pixels.
    """

    whole: Image
    front: Image
    alpha: Image
    unit: float
    rng: np.random.Generator

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.whole.shape[0], self.whole.shape[1]


def _light(image: NDArray[np.floating]) -> Image:
    return (image.astype(np.float32) @ np.array([0.30, 0.59, 0.11], np.float32))[..., None]


def _blurred(image: Image, radius_px: float) -> Image:
    """Average over a square, twice."""
    reach = max(1, round(radius_px))
    for axis in (0, 1, 0, 1):
        padding = [(reach + 1, reach) if a == axis else (0, 0) for a in range(3)]
        sums = np.cumsum(np.pad(image, padding, mode="edge"), axis, dtype=np.float64)
        length = image.shape[axis]
        high = np.take(sums, range(2 * reach + 1, 2 * reach + 1 + length), axis)
        low = np.take(sums, range(length), axis)
        image = ((high - low) / (2 * reach + 1)).astype(np.float32)
    return image


def _outlines(layers: Layers, wide: float) -> Image:
    """Lines around the shapes, from 0 to 1. Shapes: (H, W, 1)."""
    values = np.concatenate([layers.whole / 255.0, layers.alpha], -1)
    values = _blurred(values, 0.3 * layers.unit)
    step = np.abs(np.gradient(values, axis=(0, 1))).sum(0).max(-1)  # (H, W)
    line = np.clip((step * layers.unit - 0.10) / 0.12, 0.0, 1.0)
    for _ in range(max(0, round(wide * layers.unit / 2) - 1)):
        line = np.maximum.reduce(
            [line, *(np.roll(line, shift, axis) for shift in (-1, 1) for axis in (0, 1))]
        )
    return line[..., None].astype(np.float32)


def _bytes(image: Image) -> Bytes:
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def _mapped(values: Image, stops: list[RGB]) -> Image:
    """Colours along evenly spaced stops. Shapes: values (H, W, 1) from 0 to 1."""
    table = np.array(stops, np.float32)
    place = np.clip(values[..., 0], 0.0, 1.0) * (len(stops) - 1)
    low = np.minimum(place.astype(int), len(stops) - 2)
    share = (place - low)[..., None].astype(np.float32)
    return table[low] * (1 - share) + table[low + 1] * share


def flat(layers: Layers) -> Bytes:
    """As it was painted."""
    return _bytes(layers.whole)


def ukiyo_e(layers: Layers) -> Bytes:
    """A woodcut: few flat muted tones on paper, dark blue outlines, a blue band at the top."""
    height, width = layers.size
    image = np.round(layers.whole / 46.0) * 46.0
    image = 0.60 * image + 0.40 * _light(image)
    image = image * np.array([0.92, 0.88, 0.74], np.float32) + np.array([30, 26, 14], np.float32)
    band = np.clip(1.0 - np.arange(height, dtype=np.float32) / (0.20 * height), 0.0, 1.0)
    band = np.broadcast_to(band[:, None, None], (height, width, 1)) * (1 - layers.alpha)
    image = image + (np.array([30, 62, 124], np.float32) - image) * band * 0.95
    line = _outlines(layers, 1.4)
    return _bytes(image + (np.array([24, 30, 66], np.float32) - image) * line)


def impressionist(layers: Layers) -> Bytes:
    """Thick strokes that swirl through the sky and follow the ground."""
    height, width = layers.size
    u, rng = layers.unit, layers.rng
    canvas = Canvas(width, height)
    whole = _bytes(layers.whole)
    canvas.put(np.dstack([whole, np.full((height, width), 255, np.uint8)]))
    phase = rng.uniform(0, 6.3, 4)
    count = round(620 * width * height / (100 * u) ** 2)
    places = np.stack([rng.integers(height, size=count), rng.integers(width, size=count)], 1)
    places = places[layers.alpha[places[:, 0], places[:, 1], 0] < 0.5]
    things = np.argwhere(layers.alpha[..., 0] > 0.5)
    if len(things):
        more = rng.integers(len(things), size=round(0.22 * len(things) / u**2) + 1)
        places = np.concatenate([places, things[more]])
    for y, x in places.tolist():
        on_thing = layers.alpha[y, x, 0] > 0.5
        if y < HORIZON * height and not on_thing:
            turn = 1.3 * math.sin(x / (15 * u) + phase[0]) * math.cos(y / (11 * u) + phase[1])
        else:
            turn = 0.3 * math.sin(x / (9 * u) + phase[2])
        long, wide = (1.7, 2.2) if on_thing else (5.0, 3.2)
        gain = 1.25 if on_thing else 1.08
        jitter = rng.normal(0.0, 9.0 if on_thing else 13.0) + rng.normal(0.0, 6.0, 3)
        red, green, blue = (gain * float(v + j) for v, j in zip(whole[y, x], jitter, strict=True))
        across, down = math.cos(turn) * long * u, math.sin(turn) * long * u
        canvas.line([(x - across, y - down), (x + across, y + down)], (red, green, blue), wide * u)
    return canvas.pixels()[..., :3]


def cubist(layers: Layers) -> Bytes:
    """Shards that each shift and shade what they show, in ochre and blue, with dark joints."""
    height, width = layers.size
    u, rng = layers.unit, layers.rng
    count = round(20 * width * height / (100 * u) ** 2)
    seeds = rng.uniform(0, 1, (count, 2)) * (height, width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    # Distances in a direction of each shard's own, so that the joints are no honeycomb.
    lean = rng.uniform(0, math.pi, count)
    away = np.stack(
        [
            np.abs((y - a) * math.cos(t) + (x - b) * math.sin(t)) * 1.25
            + np.abs((x - b) * math.cos(t) - (y - a) * math.sin(t))
            for (a, b), t in zip(seeds, lean, strict=True)
        ]
    )
    order = np.argpartition(away, 1, axis=0)[:2]
    near = np.take_along_axis(away, order, 0)
    own = np.where(near[0] <= near[1], order[0], order[1])
    gap = np.abs(near[1] - near[0])
    shift = rng.uniform(-4.0, 4.0, (count, 2)) * u
    source_y = np.clip(y + shift[own, 0], 0, height - 1).astype(int)
    source_x = np.clip(x + shift[own, 1], 0, width - 1).astype(int)
    image = layers.whole[source_y, source_x]
    turn = rng.uniform(0, math.tau, count)[own]
    slope = ((y - seeds[own, 0]) * np.sin(turn) + (x - seeds[own, 1]) * np.cos(turn)) / (22 * u)
    gain = rng.uniform(0.80, 1.22, count)[own] + 0.22 * np.clip(slope, -1.2, 1.2)
    tones = np.array([(206, 158, 92), (86, 108, 142), (150, 112, 84), (120, 136, 120)], np.float32)
    tone = tones[rng.integers(0, 4, count)][own]
    level = _light(image) / 128.0
    image = (0.66 * image + 0.34 * tone * level) * gain[..., None]
    joint = np.clip(1.0 - gap / (1.7 * u), 0.0, 1.0)[..., None]
    return _bytes(image + (np.array([38, 32, 36], np.float32) - image) * 0.85 * joint)


def synthwave(layers: Layers) -> Bytes:
    """Neon: a violet sky, at times a striped sun, a grid for a ground, things in pink and cyan."""
    height, width = layers.size
    u, rng, horizon = layers.unit, layers.rng, HORIZON * height
    canvas = Canvas(width, height)
    middle = 0.55 * horizon
    everywhere = [(0.0, 0.0), (width, 0.0), (width, horizon), (0.0, horizon)]
    canvas.fade(everywhere, (0.0, (26, 10, 66)), (middle, (126, 30, 140)))
    canvas.fade(
        [(0.0, middle), (width, middle), (width, horizon), (0.0, horizon)],
        (middle, (126, 30, 140)),
        (horizon, (255, 104, 150)),
    )
    if rng.random() < 0.5:
        x, radius = float(rng.uniform(0.3, 0.7)) * width, 24 * u
        sun = Canvas(width, height)
        sun.disc(x, horizon - 6 * u, radius, (255, 214, 96))
        disc = sun.pixels()
        rows = np.arange(height)
        warm = np.clip((rows - (horizon - 30 * u)) / (30 * u), 0, 1)[:, None, None]
        tint = np.array([255, 214, 96]) * (1 - warm) + np.array([255, 60, 140]) * warm
        disc[..., :3] = np.broadcast_to(tint, disc[..., :3].shape)
        striped = ((rows - horizon) % (5.5 * u) < 1.8 * u) & (rows > horizon - 16 * u)
        disc[striped] = 0
        canvas.put(disc)
    canvas.box(0, horizon, width, height - horizon, (34, 10, 66))
    neon: RGB = (232, 60, 200)
    depth = height - horizon
    for i in range(1, 6):
        canvas.box(0, horizon + depth * (i / 5.4) ** 1.8, width, 1.5 * u, neon)
    for i in range(-9, 10):
        canvas.line(
            [(width / 2 + i * 4 * u, horizon), (width / 2 + i * 24 * u, height)], neon, 1.3 * u
        )
    canvas.box(0, horizon - 0.8 * u, width, 1.6 * u, (120, 240, 255))
    image = canvas.pixels()[..., :3].astype(np.float32)
    tones: list[RGB] = [(46, 14, 92), (150, 30, 160), (250, 70, 170), (120, 232, 255)]
    level = _light(layers.front) / 255.0
    spread = np.clip((level - 0.12) / 0.75, 0.0, 1.0)
    things = _mapped(spread, tones)
    image = image + (things - image) * layers.alpha
    edge = np.abs(np.gradient(_blurred(layers.alpha, 0.4 * u), axis=(0, 1))).sum(0)
    line = np.clip(edge * u * 2.2, 0.0, 1.0)
    return _bytes(image + (np.array([110, 244, 255], np.float32) - image) * line)


def velazquez(layers: Layers) -> Bytes:
    """A dark old master: umber and black all over, one light on the things."""
    height, width = layers.size
    image = 0.42 * layers.whole + 0.58 * _light(layers.whole)
    image = image * np.array([0.74, 0.55, 0.36], np.float32)
    down = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None]
    dusk = 0.34 + 0.62 * np.exp(-(((down - 0.62) / 0.26) ** 2))
    smoke = fractal_noise(layers.rng, height, width, 18 * layers.unit, 30 * layers.unit, 3)
    ground = image * dusk * (1.0 + 0.34 * smoke[..., None])
    lit = (0.62 * layers.front + 0.38 * _light(layers.front)) * np.array(
        [0.98, 0.80, 0.58], np.float32
    )
    across = np.linspace(1.12, 0.66, width, dtype=np.float32)[None, :, None]
    lit = lit * across * (0.66 + 0.34 * dusk) * 0.92
    return _bytes(ground + (lit - ground) * layers.alpha)


def watercolour(layers: Layers) -> Bytes:
    """Pale washes with darker edges that run and leave the paper white."""
    height, width = layers.size
    u = layers.unit
    soft = _blurred(layers.whole, 0.5 * u)
    image = 250.0 - (250.0 - soft) * 0.62
    rim = _blurred(layers.whole, 1.6 * u) - layers.whole
    image = image - 0.8 * np.clip(rim, 0.0, 60.0)
    wash = fractal_noise(layers.rng, height, width, 14 * u, 18 * u, 3)[..., None]
    image = image + (250.0 - image) * np.clip(1.4 * wash - 0.1, 0.0, 0.5)
    image = image * (1.0 + 0.10 * np.clip(-wash, 0.0, 1.0))
    return _bytes(image * np.array([1.0, 0.99, 0.965], np.float32))


def ink(layers: Layers) -> Bytes:
    """Black ink on paper: three grey washes and thick outlines."""
    height, _ = layers.size
    level = _light(layers.front) / 255.0
    grey = np.where(level > 0.62, 1.0, np.where(level > 0.36, 0.70, 0.36)).astype(np.float32)
    down = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None]
    ground = 0.95 - 0.17 * np.clip((down - HORIZON) / 0.4, 0.0, 1.0) * (down > HORIZON)
    tone = ground + (grey - ground) * layers.alpha
    line = _outlines(layers, 1.5)
    tone = tone * (1.0 - 0.92 * line)
    return _bytes(tone * np.array([248, 243, 230], np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One style: its painter and its words. `keeps_light` tells whether light and season show."""

    paint: Callable[[Layers], Bytes]
    words: tuple[str, ...]
    keeps_light: bool = True


STYLES: dict[str, Style] = {
    "flat": Style(
        paint=flat,
        words=("", "", "", "", "", "", "storybook illustration", "flat illustration"),
    ),
    "ukiyo-e": Style(
        paint=ukiyo_e,
        words=(
            "ukiyo-e",
            "ukiyo-e",
            "ukiyo-e print",
            "japanese woodblock print",
            "ukiyo-e by hokusai",
            "by hiroshige",
        ),
    ),
    "impressionist": Style(
        paint=impressionist,
        words=(
            "impressionist style by van gogh",
            "impressionist",
            "by van gogh",
            "impressionist painting",
            "impressionism",
            "by claude monet",
        ),
    ),
    "cubist": Style(
        paint=cubist,
        words=(
            "cubist style by pablo picasso",
            "cubist",
            "by pablo picasso",
            "cubism",
            "cubist painting",
            "by picasso",
        ),
    ),
    "synthwave": Style(
        paint=synthwave,
        words=("80s synthwave style", "synthwave", "80s synthwave", "neon synthwave", "retrowave"),
        keeps_light=False,
    ),
    "velazquez": Style(
        paint=velazquez,
        words=(
            "by velazquez",
            "by velazquez",
            "by diego velazquez",
            "baroque painting",
            "by rembrandt",
        ),
        keeps_light=False,
    ),
    "watercolour": Style(
        paint=watercolour,
        words=("watercolour", "watercolor", "watercolour painting", "watercolor painting"),
    ),
    "ink": Style(
        paint=ink,
        words=("ink drawing", "ink", "black ink on paper", "pen and ink", "sumi-e"),
        keeps_light=False,
    ),
}
