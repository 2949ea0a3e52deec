"""Walls, floors and roofs."""

from __future__ import annotations

import numpy as np

from training.painting.brush import Brush
from training.painting.colours import Pixels, luminance, mixed, rgb, shaded
from training.painting.noise import Field, lattice_values, smoothstep


def _joint_of(brush: Brush) -> Pixels:
    """Mortar that stands out from the stone: light beside dark stone and the reverse."""
    light = luminance(brush.main) < 0.45
    grey = brush.rng.uniform(0.70, 0.80) if light else brush.rng.uniform(0.28, 0.38)
    return rgb(grey, grey * 0.98, grey * 0.95)


def _block(v: Field, u: Field, height: float, width: float, gap: float) -> tuple[Field, Field]:
    """Mask and bevel light of one block, from the position inside its cell in [0, 1)."""
    to_top, to_bottom = v * height, (1.0 - v) * height
    to_left, to_right = u * width, (1.0 - u) * width
    edge = np.minimum(np.minimum(to_top, to_bottom), np.minimum(to_left, to_right))
    mask = smoothstep(gap * 0.5 - 0.8, gap * 0.5 + 0.8, edge)
    bevel = smoothstep(gap * 0.5 + 4.0, gap * 0.5, to_top) - smoothstep(
        gap * 0.5 + 4.0, gap * 0.5, to_bottom
    )
    return mask, bevel


def bricks(brush: Brush) -> Pixels:
    """Courses of bricks in running bond with mortar."""
    y, x = brush.grid()
    height, gap = brush.fitted(21.0), 5.0 * brush.scale**0.7
    width = 2.0 * height
    row = np.floor(y / height)
    u = x / width + 0.5 * (row % 2)
    column = np.floor(u)
    mask, bevel = _block(y / height - row, u - column, height, width, gap)
    tint = lattice_values(brush.rng, row, column) - 0.5
    light = 0.55 * tint + 0.28 * bevel + 0.12 * brush.noise(10.0)
    return mixed(_joint_of(brush), shaded(brush.main, light), mask)


def tiles(brush: Brush) -> Pixels:
    """Square glazed tiles, each with a soft diagonal shine, and pale grout."""
    y, x = brush.grid()
    side, gap = brush.fitted(36.0), 4.4 * brush.scale**0.7
    row, column = np.floor(y / side), np.floor(x / side)
    v, u = y / side - row, x / side - column
    mask, _ = _block(v, u, side, side, gap)
    shine = smoothstep(0.34, 0.0, np.abs(v + u - 0.72))
    tint = lattice_values(brush.rng, row, column) - 0.5
    grout = rgb(0.86, 0.86, 0.84) if luminance(brush.main) < 0.6 else rgb(0.45, 0.45, 0.45)
    glazed = shaded(brush.main, 0.14 * tint + 0.62 * shine - 0.15 * (v + u - 0.8))
    return mixed(grout, glazed, mask)


def cobblestone(brush: Brush) -> Pixels:
    """Rounded paving stones in rows, domed, with dark gaps."""
    found = brush.cells(32.0, 48.0, jitter=0.55)
    border = found.second - found.nearest
    mask = smoothstep(0.07, 0.22, border)
    dome = smoothstep(0.05, 0.65, border)
    sun = -0.45 * found.offset_y - 0.35 * found.offset_x
    light = 0.75 * (found.identity - 0.55) + 0.50 * sun + 0.35 * (dome - 0.6)
    stone = shaded(brush.main, light + 0.10 * brush.noise(9.0, octaves=2))
    gap = brush.main * np.float32(0.16) + np.float32(0.03)
    return mixed(gap, stone, mask)


def roof_tiles(brush: Brush) -> Pixels:
    """Overlapping rows of round-ended roof tiles, each shaded under the row above."""
    y, x = brush.grid()
    width, height = brush.fitted(36.0), brush.fitted(26.0)
    row = np.floor(y / height)
    picture = np.zeros((*y.shape, 3), np.float32)
    covered = np.zeros_like(y)
    tints = brush.rng.random((61, 53)).astype(np.float32) - np.float32(0.5)
    for above in (1.0, 0.0, -1.0):
        r = row - above
        u = x / width + 0.5 * (r % 2)
        column = np.floor(u)
        across = 2.0 * (u - column) - 1.0
        down = (y - r * height) / height
        end = 1.0 + 0.62 * np.sqrt(np.maximum(0.0, 1.0 - across**2))
        inside = ((down >= 0.0) & (down < end)).astype(np.float32)
        tint = tints[r.astype(np.int32) % 61, column.astype(np.int32) % 53]
        rim = smoothstep(0.20, 0.0, end - down)
        shadow = smoothstep(0.55, 1.0, down) * 0.30 - 0.75 * rim
        curve = 0.30 * (1.0 - across**2) - 0.42 * smoothstep(0.7, 1.0, np.abs(across))
        tile = shaded(brush.main, 0.45 * tint + shadow + curve - 0.05)
        new = inside * (1.0 - covered)
        picture = picture * (1.0 - new[..., None]) + tile * new[..., None]
        covered = np.maximum(covered, inside)
    return picture.astype(np.float32)


def asphalt(brush: Brush) -> Pixels:
    """Road surface: smooth grey with pale chips and a few wandering cracks."""
    chips = brush.cells(16.0, 16.0, jitter=0.8)
    speck = smoothstep(0.36, 0.20, chips.nearest) * smoothstep(0.25, 0.45, chips.identity)
    dark_speck = smoothstep(0.30, 0.18, chips.nearest) * smoothstep(0.25, 0.1, chips.identity)
    bend = brush.noise(60.0, octaves=3)
    crack = smoothstep(0.035, 0.012, np.abs(bend)) * smoothstep(-0.1, 0.2, brush.noise(50.0))
    light = 0.14 * brush.noise(50.0, octaves=2) + 0.30 * speck - 0.35 * dark_speck - 0.8 * crack
    return shaded(brush.main, light)


def planks(brush: Brush) -> Pixels:
    """Boards with dark joints, staggered ends and grain along them."""
    y, x = brush.grid()
    upright = brush.variant == "vertical"
    if upright:
        y, x = x, y
    width, length = brush.fitted(29.0), brush.fitted(144.0)
    row = np.floor(y / width)
    start = lattice_values(brush.rng, row, np.zeros_like(row))
    u = x / length + brush.snapped(start, length)
    column = np.floor(u)
    v = y / width - row
    to_joint = np.minimum(v, 1.0 - v) * width
    to_end = np.minimum(u - column, 1.0 - (u - column)) * length
    mask = smoothstep(1.2, 3.4, np.minimum(to_joint, to_end))
    tint = lattice_values(brush.rng, row, column) - 0.5
    grain = brush.noise(140.0, 11.0, 1) if upright else brush.noise(11.0, 140.0, 1)
    wood = shaded(brush.main, 0.60 * tint + 0.40 * grain)
    return mixed(brush.main * np.float32(0.22), wood, mask)


def marble(brush: Brush) -> Pixels:
    """Polished stone with clouded ground and thick wandering veins."""
    field = brush.noise(64.0, octaves=3) + 0.35 * brush.noise(30.0, octaves=2)
    second = brush.noise(90.0, octaves=3)
    vein = smoothstep(0.13, 0.02, np.abs(field)) * (0.65 + 0.35 * brush.noise(40.0, octaves=1))
    thin = smoothstep(0.07, 0.015, np.abs(second - 0.15))
    cloud = brush.noise(40.0, octaves=2)
    ground = shaded(brush.main, 0.22 * cloud)
    if luminance(brush.main) > 0.30:
        ink = brush.main * np.float32(0.30)
    else:
        ink = brush.main + (np.float32(1.0) - brush.main) * np.float32(0.72)
    veined = mixed(ground, ink, np.clip(vein, 0.0, 1.0) * np.float32(0.9))
    return mixed(veined, ink, thin * np.float32(0.7))
