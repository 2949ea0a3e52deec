"""Ground, plants, water and fire."""

from __future__ import annotations

import numpy as np

from training.painting.brush import Brush
from training.painting.colours import NAMED, WHITE, Colour, Pixels, luminance, mixed, rgb, shaded
from training.painting.noise import Field, smoothstep


def grass(brush: Brush) -> Pixels:
    """Upright blades, light tips over dark ground."""
    y, x = brush.grid()
    sway = 5.0 * brush.scale * brush.noise(44.0, 60.0, 2)
    near = _blades(brush, y, x + sway, 15.0)
    far = _blades(brush, y, x + 4.0 - 0.8 * sway, 15.0)
    light = 0.95 * np.maximum(near, 0.75 * far - 0.10) - 0.52
    return shaded(brush.main, light + 0.10 * brush.noise(60.0))


def _blades(brush: Brush, y: Field, x: Field, width_px: float) -> Field:
    """Long narrow cells: brightest along the middle of the blade and towards its tip."""
    width, length = brush.fitted(width_px), brush.fitted(64.0)
    u = x / width
    column = np.floor(u)
    keys = brush.rng.random((2, 257)).astype(np.float32)
    start = keys[0][column.astype(np.int32) % 257]
    tint = keys[1][column.astype(np.int32) % 257]
    rise = (y / length + start) % 1.0
    middle = 1.0 - np.abs(2.0 * (u - column) - 1.0)
    taper = smoothstep(0.0, 0.35, rise)
    shape = smoothstep(0.0, 0.9, middle * (0.35 + 0.65 * taper))
    return (shape * (1.05 - 0.75 * rise) * (0.65 + 0.5 * tint)).astype(np.float32)


def leaves(brush: Brush) -> Pixels:
    """Large pointed leaves with a midrib, lying over each other."""
    y, x = brush.grid()
    cell = brush.fitted(32.0)
    v, u = y / cell, x / cell
    v0, u0 = np.floor(v), np.floor(u)
    rows, columns = int(np.ptp(v0)) + 7, int(np.ptp(u0)) + 7
    keys = brush.rng.random((5, rows, columns)).astype(np.float32)
    picture = shaded(brush.main, np.full_like(y, -0.95))
    top = np.full_like(y, -1.0)
    for dv in range(-2, 3):
        for du in range(-2, 3):
            r = (v0 - v0.min()).astype(np.int32) + dv + 3
            c = (u0 - u0.min()).astype(np.int32) + du + 3
            jitter_y, jitter_x, turn, order, tint = (key[r, c] for key in keys)
            away_y = v - (v0 + dv + jitter_y)
            away_x = u - (u0 + du + jitter_x)
            angle = turn * np.float32(2.0 * np.pi)
            along = away_x * np.cos(angle) + away_y * np.sin(angle)
            side = away_y * np.cos(angle) - away_x * np.sin(angle)
            half = 0.50 * np.maximum(0.0, 1.0 - (along / 1.15) ** 2) * (1.0 - 0.25 * along)
            inside = (np.abs(side) < half) & (np.abs(along) < 1.15) & (order > top)
            rib = smoothstep(0.11, 0.03, np.abs(side))
            rim = smoothstep(0.12, 0.0, half - np.abs(side))
            light = 0.85 * (tint - 0.45) + 0.40 * rib - 0.70 * rim + 0.22 * np.sign(side)
            picture = np.where(inside[..., None], shaded(brush.main, light), picture)
            top = np.where(inside, order, top)
    return picture.astype(np.float32)


def flowers(brush: Brush) -> Pixels:
    """A dense meadow of five-petalled flowers over dark leaves."""
    y, x = brush.grid()
    cell = brush.fitted(38.0)
    v, u = y / cell, x / cell
    v0, u0 = np.floor(v), np.floor(u)
    rows, columns = int(np.ptp(v0)) + 5, int(np.ptp(u0)) + 5
    keys = brush.rng.random((5, rows, columns)).astype(np.float32)
    ground = rgb(0.10, 0.30, 0.09)
    picture = shaded(ground, 0.5 * brush.noise(24.0, octaves=1))
    top = np.full_like(y, -1.0)
    yellow = luminance(brush.main) > 0.55 and brush.main[2] < 0.4
    heart = rgb(0.42, 0.24, 0.08) if yellow else rgb(*NAMED["yellow"])
    for dv in (-1, 0, 1):
        for du in (-1, 0, 1):
            r = (v0 - v0.min()).astype(np.int32) + dv + 2
            c = (u0 - u0.min()).astype(np.int32) + du + 2
            jitter_y, jitter_x, turn, order, tint = (key[r, c] for key in keys)
            away_y = v - (v0 + dv + 0.3 + 0.4 * jitter_y)
            away_x = u - (u0 + du + 0.3 + 0.4 * jitter_x)
            radius = np.hypot(away_y, away_x)
            petal = np.cos(5.0 * np.arctan2(away_y, away_x) + 6.28 * turn)
            reach = 0.47 + 0.15 * petal
            inside = (radius < reach) & (order > top)
            light = 0.5 * (tint - 0.5) - 0.45 * smoothstep(0.4, -0.9, petal)
            light = light + 0.35 * smoothstep(0.2, 0.5, radius)
            bloom = mixed(heart, shaded(brush.main, light), smoothstep(0.11, 0.17, radius))
            picture = np.where(inside[..., None], bloom, picture)
            top = np.where(inside, order, top)
    return picture.astype(np.float32)


def water(brush: Brush) -> Pixels:
    """Rippled water: long waves with bright crests."""
    y, x = brush.grid()
    bend = 6.0 * brush.scale * brush.noise(34.0, 52.0, 2)
    swell = np.sin((y + bend) * np.float32(2.0 * np.pi / brush.fitted(24.0)))
    cross = np.sin(
        (y * 0.75 + 0.28 * x - 0.8 * bend) * np.float32(2.0 * np.pi / brush.fitted(38.0))
    )
    height = 0.65 * swell + 0.35 * cross
    crest = smoothstep(0.50, 0.95, height) * (0.65 + 0.35 * brush.noise(30.0, 60.0, 1))
    return shaded(brush.main, 0.36 * height - 0.10 + 0.65 * crest)


def sand(brush: Brush) -> Pixels:
    """Wind ripples on sand: soft bands from the lower left to the upper right, one side steep."""
    y, x = brush.grid()
    bend = 9.0 * brush.scale * brush.noise(70.0, octaves=2)
    phase = (y + x + bend) / brush.fitted(32.0)
    ramp = phase - np.floor(phase)
    ripple = np.where(ramp < 0.7, ramp / 0.7, (1.0 - ramp) / 0.3).astype(np.float32)
    light = 0.55 * (smoothstep(0.0, 1.0, ripple) - 0.62) + 0.12 * brush.noise(80.0)
    return shaded(brush.main, light)


def snow(brush: Brush) -> Pixels:
    """Soft drifts, heaped over each other, white above and blue in the shadow below."""
    drift = brush.cells(32.0, 56.0, jitter=0.7, warp_px=7.0)
    height = smoothstep(0.0, 0.55, drift.second - drift.nearest)
    lit = np.clip(0.5 - 0.95 * drift.offset_y + 0.25 * brush.noise(40.0, octaves=2), 0.0, 1.0)
    shade: Colour = brush.main * rgb(0.74, 0.82, 0.94)
    snow_light: Colour = brush.main + (WHITE - brush.main) * np.float32(0.45)
    return mixed(shade, snow_light, lit * (0.35 + 0.65 * height))


def lava(brush: Brush) -> Pixels:
    """Dark crust in plates, with glowing cracks between them."""
    found = brush.cells(40.0, 44.0, jitter=0.8, warp_px=6.0)
    border = found.second - found.nearest
    glow = smoothstep(0.34, 0.02, border + 0.10 * brush.noise(20.0))
    crust = shaded(rgb(0.13, 0.09, 0.09), 0.8 * (found.identity - 0.5) + 0.5 * brush.noise(9.0))
    hot = brush.main + (rgb(1.0, 0.95, 0.55) - brush.main) * np.float32(0.55)
    burning = mixed(crust, brush.main, smoothstep(0.10, 0.60, glow))
    return mixed(burning, hot, smoothstep(0.75, 1.0, glow))


def rust(brush: Brush) -> Pixels:
    """Painted metal plates, riveted along their seams, with patches of rust."""
    y, x = brush.grid()
    side = brush.fitted(64.0)
    v, u = y / side % 1.0, x / side % 1.0
    to_seam = np.minimum(np.minimum(v, 1.0 - v), np.minimum(u, 1.0 - u)) * side
    seam = smoothstep(5.0, 2.0, to_seam)
    from_corner_y, from_corner_x = np.minimum(v, 1.0 - v) * side, np.minimum(u, 1.0 - u) * side
    inset, radius = 12.0 * brush.scale, 5.5 * brush.scale
    from_rivet = np.hypot(from_corner_y - inset, from_corner_x - inset)
    rivet = smoothstep(radius, radius - 2.0, from_rivet)
    patch = brush.noise(30.0, octaves=3)
    bare = float(np.quantile(patch, brush.rng.uniform(0.38, 0.54)))
    rusty = smoothstep(bare, bare + 0.10, patch)
    metal = shaded(brush.main, 0.14 * brush.noise(60.0, 20.0, 2))
    brown = shaded(rgb(0.58, 0.25, 0.07), 0.6 * brush.noise(20.0, octaves=1))
    plate = mixed(metal, brown, rusty * np.float32(0.95))
    return shaded(plate, 0.55 * seam - 0.9 * rivet)


def bamboo(brush: Brush) -> Pixels:
    """Round upright canes with pale nodes, those of every second cane half a length higher."""
    y, x = brush.grid()
    width, length = brush.fitted(24.0), brush.fitted(48.0)
    u = x / width
    column = np.floor(u)
    tint = brush.rng.random(127).astype(np.float32)[column.astype(np.int32) % 127]
    across = 2.0 * (u - column) - 1.0
    rise = (y / length + 0.5 * (column % 2)) % 1.0
    from_node = np.minimum(rise, 1.0 - rise) * length
    node = smoothstep(3.4, 1.4, from_node)
    under = smoothstep(8.0, 3.0, from_node) * (1.0 - node)
    light = 0.55 * np.exp(-(((across + 0.3) / 0.35) ** 2)) - 0.95 * np.abs(across) ** 3
    light = light + 0.5 * (tint - 0.5) + 0.6 * node - 0.6 * under
    return shaded(brush.main, light.astype(np.float32))
