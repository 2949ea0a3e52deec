"""Skies and simple landscapes; these have an up and a down."""

from __future__ import annotations

import numpy as np

from training.painting.brush import Brush
from training.painting.colours import WHITE, Pixels, luminance, mixed, rgb, shaded
from training.painting.noise import Field, pixel_grid, smoothstep


def _height(brush: Brush) -> Field:
    """Position from the top (0) to the bottom (1) of the picture."""
    y, _ = pixel_grid(brush.height_px, brush.width_px)
    return y / np.float32(brush.height_px)


def sky(brush: Brush) -> Pixels:
    """Day sky with heaped clouds, paler towards the bottom."""
    down = _height(brush)
    ground = shaded(brush.main, 0.70 * down - 0.12)
    puff = brush.noise(40.0, 62.0, 4)
    low, high = {"clear": (0.05, 0.15), "cloudy": (0.62, 0.80)}.get(brush.variant, (0.34, 0.56))
    level = float(np.quantile(puff, 1.0 - brush.rng.uniform(low, high)))
    cloud = smoothstep(level, level + 0.16, puff)
    belly = smoothstep(0.0, 0.4, puff - level)
    light = luminance(brush.main)
    white = rgb(1.0, 1.0, 1.0) if light < 0.8 else rgb(0.62, 0.66, 0.72)
    tinted = white + (brush.main - white) * np.float32(0.25)
    return mixed(ground, mixed(tinted, white, belly), cloud * np.float32(0.96))


def sunset(brush: Brush) -> Pixels:
    """Evening sky: a low sun, a glowing horizon and long dark-edged clouds."""
    y, x = pixel_grid(brush.height_px, brush.width_px)
    down = _height(brush)
    glow = brush.main + (rgb(1.0, 0.88, 0.45) - brush.main) * np.float32(0.60)
    high = brush.main * rgb(0.50, 0.38, 0.62) + rgb(0.04, 0.02, 0.10)
    ground = mixed(mixed(high, brush.main, smoothstep(0.0, 0.60, down)), glow, down**3)
    sun_y = brush.height_px * brush.rng.uniform(0.52, 0.80)
    sun_x = brush.width_px * brush.rng.uniform(0.2, 0.8)
    away = np.hypot(y - sun_y, x - sun_x) / np.float32(20.0 * brush.scale)
    lit = mixed(ground, rgb(1.0, 0.93, 0.62), 0.55 * np.exp(-((away / 1.8) ** 2)))
    bands = brush.noise(18.0, 110.0, 3)
    cloud = smoothstep(0.10, 0.30, bands) * np.float32(0.75)
    clouded = mixed(lit, brush.main * np.float32(0.55), cloud)
    return mixed(clouded, rgb(1.0, 0.97, 0.80), smoothstep(1.06, 0.94, away))


def starry_night(brush: Brush) -> Pixels:
    """Dark sky with a faint band of haze and round bright stars."""
    haze = brush.noise(80.0, octaves=3)
    night = shaded(brush.main * np.float32(0.42), 0.5 * np.maximum(haze, -0.4))
    picture = mixed(night, brush.main, 0.55 * smoothstep(0.0, 0.6, haze))
    for cell, radius, share in ((24.0, 2.3, 0.5), (48.0, 4.2, 0.75)):
        found = brush.cells(cell, cell, jitter=0.9)
        away = found.nearest * brush.fitted(cell) / radius
        lit = smoothstep(1.0 - share, 1.0 - share + 0.2, found.identity)
        star = lit * (smoothstep(1.25, 0.55, away) + 0.30 * np.exp(-((away / 2.2) ** 2)))
        picture = mixed(picture, rgb(1.0, 0.98, 0.88), np.clip(star, 0.0, 1.0))
    return picture


def _ridge(brush: Brush, base: float, swing: float, cell_px: float) -> Field:
    """Height of a skyline for every column, as a share of the picture from the top."""
    line = brush.noise(1e4, cell_px, 3)[:1]
    return np.float32(base) - np.float32(swing) * line


def mountains(brush: Brush) -> Pixels:
    """Ranges one behind the other, the far ones paler, snow on the high tops."""
    down = _height(brush)
    picture = mixed(rgb(0.50, 0.70, 0.95), rgb(0.90, 0.93, 0.96), smoothstep(0.0, 0.6, down))
    relief = brush.noise(26.0, 20.0, 3)
    for depth in range(3):
        line = _ridge(brush, 0.30 + 0.21 * depth, 0.26 - 0.06 * depth, 64.0 - 8.0 * depth)
        inside = smoothstep(0.0, 0.016, down - line)
        rock = shaded(brush.main, 0.9 * relief + 0.42 - 0.35 * depth)
        if depth == 0:
            cap = smoothstep(0.13, 0.06, down - line + 0.05 * relief)
            rock = mixed(rock, WHITE, cap * np.float32(0.95))
        picture = mixed(picture, rock, inside)
    return picture


def hills(brush: Brush) -> Pixels:
    """Smooth rolling hills under a pale sky."""
    down = _height(brush)
    picture = mixed(rgb(0.45, 0.70, 0.96), rgb(0.88, 0.94, 0.98), smoothstep(0.0, 0.5, down))
    for depth in range(4):
        _, x = pixel_grid(brush.height_px, brush.width_px)
        period = brush.width_px / brush.rng.uniform(0.9, 1.7)
        wave = np.sin(x * np.float32(2.0 * np.pi) / np.float32(period) + brush.rng.uniform(0, 6.3))
        line = np.float32(0.28 + 0.19 * depth) + np.float32(0.07) * wave
        rise = down - line
        slope = shaded(brush.main, 0.42 - 0.16 * depth - 1.6 * np.clip(rise, 0.0, 0.4))
        picture = mixed(picture, slope, smoothstep(0.0, 0.014, rise))
    return picture


def forest(brush: Brush) -> Pixels:
    """Rows of conifers, the far rows lost in mist."""
    y, x = pixel_grid(brush.height_px, brush.width_px)
    height = np.float32(brush.height_px)
    mist = brush.main + (WHITE - brush.main) * np.float32(0.78)
    picture = np.broadcast_to(mist, (*y.shape, 3)).astype(np.float32)
    for depth in range(4):
        width = (22.0 + 5.0 * depth) * brush.scale
        tall = (58.0 + 16.0 * depth) * brush.scale
        u = x / width + float(brush.rng.random()) * 7.0
        column = np.floor(u)
        keys = brush.rng.random((2, 127)).astype(np.float32)
        index = column.astype(np.int32) % 127
        top = height * np.float32(0.04 + 0.25 * depth) + (keys[0][index] - 0.5) * tall * 0.45
        rise = (y - top) / tall
        away = np.abs(u - column - 0.5) * 2.0
        tier = 0.62 + 0.38 * ((rise * 4.5) % 1.0)
        reach = np.clip(rise, 0.0, 1.0) * 1.12 * tier + 0.6 * np.maximum(rise - 0.75, 0.0) * 4.0
        inside = (away < reach).astype(np.float32) * (rise > 0.0)
        fade = 0.62 - 0.34 * depth
        side = np.where(u - column < 0.5, 0.14, -0.14)
        light = fade + side + 0.35 * (keys[1][index] - 0.5) - 0.25 * ((rise * 4.5) % 1.0) + 0.1
        picture = mixed(picture, shaded(brush.main, light.astype(np.float32)), inside)
    return picture
