"""Machines and animals.

Every painter draws around (x, y), the middle of its foot, `size` pixels large.
"""

from __future__ import annotations

import math

from training.painting.storybook.buildings import WOOD, aged
from training.painting.storybook.canvas import RGB
from training.painting.storybook.nature import lake, ribbon
from training.painting.storybook.scene import SNOW, Look, Scene

DARK: RGB = (52, 50, 58)
METAL: RGB = (140, 146, 156)
RUST: RGB = (178, 92, 46)


def _robot(scene: Scene, size: float, look: Look) -> None:
    """A robot that stands on the origin: head with antenna, chest, arms, legs."""
    front = scene.front
    usual = RUST if look.old and scene.chance(0.5) else METAL
    body = look.colour or usual

    def part(x: float, y: float, wide: float, high: float, shade: float, corner: float) -> None:
        front.box(
            x * size,
            y * size,
            wide * size,
            high * size,
            scene.lit(body, shade),
            corner=corner * size,
        )

    for side in (-1, 1):
        part(0.1 * side - 0.07, -0.34, 0.14, 0.34, 0.78, 0.02)
        part(0.12 * side - 0.1, -0.07, 0.2, 0.07, 0.66, 0.02)
        part(0.3 * side - 0.065, -0.7, 0.13, 0.4, 0.82, 0.05)
        front.disc(0.3 * side * size, -0.28 * size, 0.075 * size, scene.lit(body, 0.66))
    part(-0.24, -0.74, 0.48, 0.44, 1.0, 0.05)
    part(-0.13, -0.64, 0.26, 0.18, 0.5, 0.02)
    part(-0.06, -0.8, 0.12, 0.08, 0.7, 0.0)
    part(-0.17, -1.0, 0.34, 0.24, 1.1, 0.06)
    front.line([(0.0, -1.0 * size), (0.0, -1.1 * size)], scene.lit(body), 0.03 * size)
    front.disc(0.0, -1.11 * size, 0.04 * size, (240, 84, 60))
    for side in (-1, 1):
        front.disc(0.075 * side * size, -0.89 * size, 0.048 * size, (255, 206, 76))
    if look.old:
        spot = RUST if body != RUST else (112, 116, 122)
        for x, y, wide, high in (
            (-0.2, -0.46, 0.14, 0.1),
            (0.08, -0.72, 0.13, 0.08),
            (-0.13, -0.22, 0.09, 0.1),
            (0.25, -0.6, 0.1, 0.1),
        ):
            shift = scene.between(-0.02, 0.02)
            front.ellipse(
                (x + shift + wide / 2) * size, (y + high / 2) * size, 0.6 * wide * size,
                0.6 * high * size, scene.lit(spot),
            )  # fmt: skip


def robot(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A robot that stands."""
    with scene.front.turned(x, y, 0.0):
        _robot(scene, size, look)


def lying_robot(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A robot that lies on a road of earth."""
    ribbon(scene, x, scene.lit((190, 146, 100)), scene.lit((150, 112, 78)), wide=34.0)
    side = 1 if scene.chance(0.5) else -1
    with scene.front.turned(
        x - side * 0.52 * size, y - 0.16 * size, side * (90 + scene.between(-7, 3))
    ):
        _robot(scene, size, look)


def car(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A round little car from the side."""
    front = scene.front
    body = aged(
        scene,
        look.colour or scene.one_of((214, 52, 48), (58, 120, 206), (246, 200, 66), (92, 168, 120)),
        look,
    )
    with front.turned(x, y, 0.0, -1.0 if scene.chance(0.5) else 1.0):
        front.blob(
            [(-0.34 * size, -0.2 * size), (-0.28 * size, -0.5 * size), (0.18 * size, -0.52 * size),
             (0.36 * size, -0.2 * size)],
            scene.lit(body, 0.86),
        )  # fmt: skip
        glass = scene.window() if scene.light.lit_windows else scene.lit((196, 226, 242))
        front.box(-0.2 * size, -0.4 * size, 0.17 * size, 0.14 * size, glass, corner=0.03 * size)
        front.box(0.02 * size, -0.4 * size, 0.16 * size, 0.14 * size, glass, corner=0.03 * size)
        front.box(-0.5 * size, -0.29 * size, size, 0.2 * size, scene.lit(body), corner=0.08 * size)
        if look.old:
            front.ellipse(-0.1 * size, -0.18 * size, 0.14 * size, 0.06 * size, scene.lit(RUST))
            front.ellipse(0.3 * size, -0.22 * size, 0.1 * size, 0.05 * size, scene.lit(RUST))
        front.disc(0.45 * size, -0.2 * size, 0.045 * size, (255, 236, 150))
        for place in (-0.28, 0.28):
            front.disc(place * size, -0.09 * size, 0.115 * size, scene.lit(DARK))
            front.disc(place * size, -0.09 * size, 0.05 * size, scene.lit((206, 206, 212)))


def train(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A steam engine with a wagon, on rails across the picture."""
    front = scene.front
    body = aged(
        scene, look.colour or scene.one_of((44, 96, 64), (176, 46, 44), (48, 62, 112)), look
    )
    front.box(0, y, scene.width, 0.035 * size, scene.lit((86, 70, 60)))
    with front.turned(x, y, 0.0, -1.0 if scene.chance(0.5) else 1.0):
        for i in range(3):
            front.disc(
                (0.3 - 0.13 * i) * size, (-0.62 - 0.09 * i) * size, (0.06 + 0.025 * i) * size,
                scene.lit((232, 232, 236)),
            )  # fmt: skip
        front.box(
            0.02 * size, -0.34 * size, 0.46 * size, 0.22 * size, scene.lit(body), corner=0.05 * size
        )
        front.box(-0.1 * size, -0.5 * size, 0.2 * size, 0.4 * size, scene.lit(body, 0.86))
        front.box(-0.13 * size, -0.55 * size, 0.26 * size, 0.06 * size, scene.lit(DARK))
        front.box(-0.05 * size, -0.44 * size, 0.11 * size, 0.12 * size, scene.window())
        front.box(0.34 * size, -0.52 * size, 0.09 * size, 0.2 * size, scene.lit(DARK))
        front.box(-0.62 * size, -0.44 * size, 0.46 * size, 0.32 * size, scene.lit(body, 1.12))
        for place in (-0.57, -0.42, -0.28):
            front.box(place * size, -0.37 * size, 0.1 * size, 0.12 * size, scene.window())
        for place in (-0.52, -0.26, -0.02, 0.18, 0.38):
            front.disc(place * size, -0.075 * size, 0.078 * size, scene.lit(DARK))
            front.disc(place * size, -0.075 * size, 0.032 * size, scene.lit((190, 70, 60)))


def balloon(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A striped balloon in the air, with a basket."""
    front = scene.front
    first = look.colour or scene.one_of(
        (222, 58, 54), (62, 118, 210), (244, 150, 50), (150, 76, 170)
    )
    second: RGB = (250, 236, 196)
    y = scene.horizon - 2 * scene.unit if y > scene.horizon else y
    middle, radius = y - 0.64 * size, 0.36 * size
    front.polygon(
        [(x - 0.3 * size, middle + 0.18 * size), (x + 0.3 * size, middle + 0.18 * size),
         (x + 0.07 * size, y - 0.12 * size), (x - 0.07 * size, y - 0.12 * size)],
        scene.lit(first, 0.9),
    )  # fmt: skip
    for share, tone in ((1.0, first), (0.68, second), (0.34, first)):
        front.ellipse(x, middle, radius * share, radius, scene.lit(tone))
    for side in (-1, 1):
        front.line(
            [(x + side * 0.07 * size, y - 0.13 * size), (x + side * 0.06 * size, y - 0.02 * size)],
            scene.lit(WOOD), 0.02 * size,
        )  # fmt: skip
    front.box(
        x - 0.085 * size,
        y - 0.05 * size,
        0.17 * size,
        0.13 * size,
        scene.lit(WOOD),
        corner=0.02 * size,
    )


def boat(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A boat with two sails on a lake."""
    lake(scene, x, y, size, Look())
    front = scene.front
    hull = aged(
        scene, look.colour or scene.one_of((152, 74, 44), (52, 82, 140), (190, 52, 48)), look
    )
    second = scene.one_of((226, 82, 60), (244, 190, 80), (250, 244, 230))
    with front.turned(x, y, 0.0, -1.0 if scene.chance(0.5) else 1.0):
        front.box(-0.02 * size, -0.96 * size, 0.045 * size, 0.82 * size, scene.lit(WOOD))
        front.polygon(
            [(0.04 * size, -0.92 * size), (0.04 * size, -0.24 * size), (0.42 * size, -0.24 * size)],
            scene.lit((250, 246, 234)),
        )
        front.polygon(
            [
                (-0.04 * size, -0.84 * size),
                (-0.04 * size, -0.24 * size),
                (-0.34 * size, -0.24 * size),
            ],
            scene.lit(second),
        )
        front.polygon(
            [(-0.42 * size, -0.19 * size), (0.46 * size, -0.19 * size), (0.3 * size, 0.04 * size),
             (-0.3 * size, 0.04 * size)],
            scene.lit(hull),
        )  # fmt: skip


def dragon(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A winged dragon from the side; at times it spits fire."""
    front = scene.front
    body = look.colour or scene.one_of((70, 150, 76), (196, 52, 48), (96, 74, 160))
    skin, dark = scene.lit(body), scene.lit(body, 0.7)
    with front.turned(x, y, 0.0, -1.0 if scene.chance(0.5) else 1.0):
        front.line(
            [(-0.16 * size, -0.24 * size), (-0.42 * size, -0.12 * size),
             (-0.6 * size, -0.3 * size)],
            skin, 0.09 * size,
        )  # fmt: skip
        front.polygon(
            [
                (-0.56 * size, -0.28 * size),
                (-0.68 * size, -0.3 * size),
                (-0.62 * size, -0.44 * size),
            ],
            dark,
        )
        front.polygon(
            [(-0.02 * size, -0.4 * size), (-0.14 * size, -0.94 * size), (-0.3 * size, -0.72 * size),
             (-0.42 * size, -0.8 * size), (-0.46 * size, -0.56 * size), (-0.6 * size, -0.56 * size),
             (-0.2 * size, -0.28 * size)],
            dark,
        )  # fmt: skip
        front.ellipse(-0.04 * size, -0.28 * size, 0.27 * size, 0.17 * size, skin)
        front.ellipse(
            -0.02 * size, -0.21 * size, 0.2 * size, 0.09 * size, scene.lit((240, 214, 140))
        )
        for place in (-0.2, 0.1):
            front.box(
                (place - 0.055) * size,
                -0.2 * size,
                0.11 * size,
                0.2 * size,
                dark,
                corner=0.03 * size,
            )
        front.line(
            [(0.14 * size, -0.34 * size), (0.27 * size, -0.52 * size), (0.3 * size, -0.7 * size)],
            skin, 0.12 * size,
        )  # fmt: skip
        front.ellipse(0.38 * size, -0.74 * size, 0.17 * size, 0.095 * size, skin)
        front.polygon(
            [(0.24 * size, -0.8 * size), (0.18 * size, -0.95 * size), (0.34 * size, -0.82 * size)],
            dark,
        )
        front.disc(0.36 * size, -0.77 * size, 0.03 * size, (255, 232, 120))
        if scene.chance(0.4):
            front.polygon(
                [(0.52 * size, -0.73 * size), (0.74 * size, -0.84 * size),
                 (0.7 * size, -0.72 * size), (0.78 * size, -0.64 * size)],
                (255, 160, 50),
            )  # fmt: skip


def _beast(
    scene: Scene, x: float, y: float, size: float, coat: RGB, face: RGB, *, woolly: bool
) -> None:
    front = scene.front
    with front.turned(x, y, 0.0, -1.0 if scene.chance(0.5) else 1.0):
        for place in (-0.24, -0.1, 0.12, 0.25):
            front.box(
                (place - 0.04) * size, -0.26 * size, 0.08 * size, 0.26 * size, scene.lit(face, 0.9)
            )
        if woolly:
            for i in range(6):
                turn = math.tau * i / 6
                front.disc(
                    0.2 * math.cos(turn) * size, (-0.42 + 0.1 * math.sin(turn)) * size, 0.16 * size,
                    scene.lit(coat),
                )  # fmt: skip
            front.ellipse(0.38 * size, -0.48 * size, 0.11 * size, 0.14 * size, scene.lit(face))
        else:
            front.box(
                -0.36 * size,
                -0.56 * size,
                0.68 * size,
                0.36 * size,
                scene.lit(coat),
                corner=0.1 * size,
            )
            for place, up, wide in ((-0.2, 0.44, 0.12), (0.1, 0.34, 0.1)):
                front.ellipse(place * size, -up * size, wide * size, 0.08 * size, scene.lit(face))
            front.box(
                0.26 * size,
                -0.68 * size,
                0.22 * size,
                0.26 * size,
                scene.lit(coat),
                corner=0.05 * size,
            )
            front.box(
                0.37 * size,
                -0.52 * size,
                0.14 * size,
                0.11 * size,
                scene.lit((232, 170, 160)),
                corner=0.04 * size,
            )
            for place in (0.27, 0.44):
                front.line(
                    [(place * size, -0.68 * size), ((place - 0.01) * size, -0.76 * size)],
                    scene.lit((238, 228, 204)), 0.035 * size,
                )  # fmt: skip


def sheep(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Three woolly sheep with dark faces."""
    coat = look.colour or ((214, 196, 166) if scene.snow else (246, 242, 232))
    for place, down in ((-0.42, -0.06), (0.44, -0.04), (0.0, 0.12)):
        _beast(
            scene, x + place * size, y + down * size, 0.62 * size, coat, (62, 56, 58), woolly=True
        )


def cows(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Two cows with patches."""
    usual: RGB = (176, 106, 62)
    coat = look.colour or (usual if scene.snow else scene.one_of((246, 242, 236), usual))
    patch: RGB = (58, 50, 50) if sum(coat) > 600 else (240, 228, 212)
    for place, down in ((-0.38, -0.06), (0.36, 0.1)):
        _beast(scene, x + place * size, y + down * size, 0.74 * size, coat, patch, woolly=False)


def snowman(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A snowman with a hat, a scarf and a carrot."""
    front = scene.front
    white, shade = scene.lit(SNOW, 1.12), scene.lit((176, 194, 222), 0.86)
    for up, radius in ((0.2, 0.26), (0.52, 0.19), (0.78, 0.14)):
        front.disc(x, y - up * size, radius * size, shade)
        front.disc(x - 0.02 * size, y - (up + 0.02) * size, 0.88 * radius * size, white)
    scarf = scene.lit(look.colour or scene.one_of((214, 48, 52), (62, 120, 200), (64, 150, 90)))
    front.box(x - 0.16 * size, y - 0.69 * size, 0.32 * size, 0.07 * size, scarf, corner=0.03 * size)
    front.box(x + 0.05 * size, y - 0.66 * size, 0.08 * size, 0.22 * size, scarf, corner=0.02 * size)
    front.box(x - 0.17 * size, y - 0.92 * size, 0.34 * size, 0.05 * size, scene.lit(DARK))
    front.box(x - 0.11 * size, y - 1.08 * size, 0.22 * size, 0.18 * size, scene.lit(DARK))
    for side in (-1, 1):
        front.disc(x + side * 0.05 * size, y - 0.82 * size, 0.024 * size, DARK)
        front.line(
            [(x + side * 0.17 * size, y - 0.54 * size), (x + side * 0.4 * size, y - 0.68 * size)],
            scene.lit(WOOD), 0.03 * size,
        )  # fmt: skip
    front.polygon(
        [(x, y - 0.79 * size), (x, y - 0.73 * size), (x + 0.15 * size, y - 0.75 * size)],
        scene.lit((240, 130, 40)),
    )
