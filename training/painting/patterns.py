"""Patterns of one or two colours, and cloth."""

from __future__ import annotations

import numpy as np

from training.painting.brush import Brush
from training.painting.colours import Pixels, luminance, mixed, shaded
from training.painting.noise import Field, lattice_values, smoothstep


def _printed(brush: Brush, amount: np.ndarray) -> Pixels:
    """Lay the second colour over the main one, on paper that is not quite even."""
    return shaded(
        mixed(brush.main, brush.second, amount.astype(np.float32)),
        0.05 * brush.noise(60.0, octaves=2),
    )


def checkerboard(brush: Brush) -> Pixels:
    """Squares of two colours in turn."""
    y, x = brush.grid()
    side = brush.fitted(24.0)
    wave_y = np.sin(y * np.float32(np.pi / side)) * side / 3.0
    wave_x = np.sin(x * np.float32(np.pi / side)) * side / 3.0
    sign = np.clip(wave_y / 1.0, -1.0, 1.0) * np.clip(wave_x / 1.0, -1.0, 1.0)
    return _printed(brush, 0.5 + 0.5 * sign)


_SLANT = 0.6667  # two slanting stripes repeat after three widths along a row: whole cells


def stripes(brush: Brush) -> Pixels:
    """Straight bands of two colours: upright, level or slanting."""
    y, x = brush.grid()
    along = {"horizontal": y, "diagonal": (x + y) * np.float32(_SLANT)}.get(brush.variant, x)
    width = brush.fitted(17.0)
    wave = np.sin(along * np.float32(np.pi / width)) * width / 3.0
    return _printed(brush, 0.5 + 0.5 * np.clip(wave, -1.0, 1.0))


def zigzag(brush: Brush) -> Pixels:
    """Chevron bands of two colours."""
    y, x = brush.grid()
    span, width = brush.fitted(48.0), brush.fitted(16.0)
    fold = np.abs((x / span) % 1.0 - 0.5) * span
    wave = np.sin((y + fold) * np.float32(np.pi / width)) * width / 3.0
    return _printed(brush, 0.5 + 0.5 * np.clip(wave, -1.0, 1.0))


def polka_dots(brush: Brush) -> Pixels:
    """Round dots of the main colour in staggered rows on the second."""
    y, x = brush.grid()
    pitch = brush.fitted(36.0)
    rise = brush.fitted(31.0)
    row = np.floor(y / rise)
    u = x / pitch + 0.5 * (row % 2)
    away_y = (y / rise - row - 0.5) * rise
    away_x = (u - np.floor(u) - 0.5) * pitch
    radius = 0.33 * pitch
    return _printed(brush, smoothstep(radius - 1.2, radius + 1.2, np.hypot(away_y, away_x)))


def honeycomb(brush: Brush) -> Pixels:
    """Six-sided cells with pale walls and a deep middle."""
    y, x = brush.grid()
    root = float(np.sqrt(3.0))
    u, v = x / brush.fitted(36.0), y / brush.fitted(36.0 * root)
    first_u, first_v = u - np.round(u), (v - np.round(v)) * root
    second_u, second_v = u - np.floor(u) - 0.5, (v - np.floor(v) - 0.5) * root
    nearer = np.hypot(first_u, first_v) < np.hypot(second_u, second_v)
    du, dv = np.where(nearer, first_u, second_u), np.where(nearer, first_v, second_v)
    key_row = np.where(nearer, np.round(v) * 2.0, np.floor(v) * 2.0 + 1.0)
    key_column = np.where(nearer, np.round(u), np.floor(u))
    inside = np.maximum(np.abs(du), 0.5 * np.abs(du) + 0.5 * root * np.abs(dv))
    wall = smoothstep(0.405, 0.455, inside)
    tint = lattice_values(brush.rng, key_row, key_column) - 0.5
    light = 0.40 * tint - 0.25 + 0.55 * smoothstep(0.0, 0.42, inside)
    light = light + 0.45 * smoothstep(0.16, 0.0, np.hypot(du + 0.13, dv + 0.13))
    light_wall = luminance(brush.main) < 0.72
    wall_colour = shaded(brush.main, np.full_like(y, 0.92 if light_wall else -0.75))
    return mixed(shaded(brush.main, light), wall_colour, wall)


def fabric(brush: Brush) -> Pixels:
    """Plain weave: round threads that pass over and under each other, with dark gaps."""
    y, x = brush.grid()
    side = brush.fitted(24.0)
    row, column = np.floor(y / side), np.floor(x / side)
    v, u = (y / side - row) * 2.0 - 1.0, (x / side - column) * 2.0 - 1.0
    upright = (row + column) % 2 < 0.5
    across, along = np.where(upright, u, v), np.where(upright, v, u)
    thread = smoothstep(0.86, 0.70, np.abs(across))
    top = (1.0 - (across / 0.86) ** 2) * np.cos(along * np.float32(1.15))
    lean = np.where(upright, 0.14, -0.16)
    under_u = smoothstep(0.86, 0.70, np.abs(np.where(upright, v, u)))
    light = np.where(thread > 0.0, (1.15 * top - 0.62 + lean) * thread, 0.0)
    below = (1.0 - thread) * (-0.95 + 0.30 * under_u)
    return shaded(brush.main, (light + below + 0.05 * brush.noise(40.0)).astype(np.float32))


def knitting(brush: Brush) -> Pixels:
    """Knitted stitches: columns of nested V shapes."""
    y, x = brush.grid()
    width, height = brush.fitted(34.0), brush.fitted(22.0)
    u = (x / width) % 1.0
    arm = np.abs(u - 0.5) * 2.0
    rise = (y / height + arm * 0.85) % 1.0
    thread = np.sin(rise * np.float32(np.pi))
    edge = smoothstep(0.0, 0.16, np.minimum(arm, 1.0 - arm))
    light = 0.95 * thread * (0.25 + 0.75 * edge) - 0.62
    return shaded(brush.main, (light + 0.05 * brush.noise(50.0)).astype(np.float32))


def curtain(brush: Brush) -> Pixels:
    """Heavy cloth in upright folds."""
    y, x = brush.grid()
    bend = 16.0 * brush.scale * brush.noise(220.0, 60.0, 2)
    phase = (x + bend) * np.float32(2.0 * np.pi / (40.0 * brush.scale))
    fold = 0.72 * np.sin(phase) + 0.28 * np.sin(2.0 * phase + 1.0)
    del y
    return shaded(brush.main, (0.72 * fold - 0.18).astype(np.float32))


def camouflage(brush: Brush) -> Pixels:
    """Blots in four tones of the colour."""
    first, second = brush.noise(38.0, 48.0, 1), brush.noise(38.0, 48.0, 1)
    light: Field = np.full(first.shape, 0.05, np.float32)
    light = light - 0.42 * smoothstep(0.06, 0.10, first)
    light = light + 0.62 * smoothstep(0.10, 0.14, second) * smoothstep(0.10, 0.06, first)
    third = brush.noise(32.0, 42.0, 1)
    light = np.where(third > 0.26, -0.85, light)
    return shaded(brush.main, light.astype(np.float32))
