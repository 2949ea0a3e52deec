"""What people have built: houses, towers, bridges, fences.

Every painter draws around (x, y), the middle of its foot, `size` pixels large.
"""

from __future__ import annotations

from training.painting.storybook.canvas import RGB, Point
from training.painting.storybook.scene import SNOW, Look, Scene

WOOD: RGB = (122, 80, 48)
STONE: RGB = (158, 154, 152)
DOOR: RGB = (98, 58, 38)


def aged(scene: Scene, colour: RGB, look: Look) -> RGB:
    """Dull a colour where the thing is old."""
    if not look.old:
        return colour
    red, green, blue = (0.55 * c + 0.45 * g for c, g in zip(colour, (112, 102, 92), strict=True))
    return red, green, blue


def _roof_colour(scene: Scene, usual: RGB, look: Look) -> RGB:
    return scene.lit(SNOW if scene.snow else aged(scene, usual, look))


def _patches(scene: Scene, x: float, y: float, width: float, height: float) -> None:
    """Stains on an old wall."""
    for _ in range(3):
        place = x + scene.between(-0.4, 0.3) * width, y - scene.between(0.1, 0.8) * height
        size = 0.14 * width
        scene.front.box(*place, size, 0.7 * size, scene.lit((86, 72, 60)), alpha=0.6)


def _window(scene: Scene, x: float, y: float, width: float, height: float) -> None:
    frame = 0.16 * width
    scene.front.box(
        x - frame, y - frame, width + 2 * frame, height + 2 * frame, scene.lit((250, 246, 236))
    )
    colour = scene.window()
    scene.front.box(x, y, width, height, colour if scene.light.lit_windows else scene.lit(colour))


def _smoke(scene: Scene, x: float, y: float, size: float) -> None:
    for i in range(3):
        scene.front.disc(
            x + (0.05 + 0.09 * i) * size,
            y - (0.06 + 0.12 * i) * size,
            (0.06 + 0.022 * i) * size,
            scene.lit((226, 226, 230)),
            0.85,
        )


def _flowers(scene: Scene, x: float, y: float, width: float) -> None:
    count = 5
    for i in range(count):
        place = x - width / 2 + (i + 0.5) * width / count
        scene.front.disc(place, y, 0.055 * width, scene.lit((62, 132, 64)))
        tone = scene.one_of((236, 84, 112), (250, 206, 84), (244, 244, 250))
        scene.front.disc(place, y - 0.035 * width, 0.038 * width, scene.lit(tone))


def house(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A house with a hipped or a gabled roof, a chimney, a door and two windows."""
    front = scene.front
    wall = look.colour or scene.one_of(
        (236, 216, 178), (216, 124, 96), (242, 238, 228), (160, 180, 200), (226, 186, 110)
    )
    wall = scene.lit(aged(scene, wall, look))
    roof = _roof_colour(scene, scene.one_of((158, 62, 48), (92, 82, 100), (126, 84, 52)), look)
    high, rise = scene.between(0.42, 0.54) * size, scene.between(0.32, 0.42) * size
    mirror = -1.0 if scene.chance(0.5) else 1.0
    chimney = x + mirror * 0.24 * size
    front.box(chimney - 0.06 * size, y - high - rise, 0.12 * size, rise, scene.lit((136, 84, 68)))
    if look.charming or scene.chance(0.3):
        _smoke(scene, chimney, y - high - rise, size)
    front.box(x - size / 2, y - high, size, high, wall)
    shade: RGB = (wall[0] * 0.84, wall[1] * 0.84, wall[2] * 0.84)
    side = x + (0.14 if mirror > 0 else -0.5) * size
    front.box(side, y - high, 0.36 * size, high, shade)
    inset = scene.between(0.2, 0.5) * size
    front.polygon(
        [
            (x - 0.58 * size, y - high),
            (x + 0.58 * size, y - high),
            (x + 0.58 * size - inset, y - high - rise),
            (x - 0.58 * size + inset, y - high - rise),
        ],
        roof,
    )
    for place in (-0.38, -0.10) if mirror > 0 else (0.22, -0.06):
        _window(scene, x + place * size, y - 0.78 * high, 0.16 * size, 0.34 * high)
    door = x + (0.24 if mirror > 0 else -0.40) * size
    front.box(door, y - 0.62 * high, 0.16 * size, 0.62 * high, scene.lit(DOOR))
    if look.old:
        _patches(scene, x, y, size, high)
    if look.charming:
        _flowers(scene, x - mirror * 0.2 * size, y, 0.5 * size)


def cottage(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A low cottage under a deep round thatched roof, with flowers before it."""
    front = scene.front
    wall = scene.lit(
        aged(scene, look.colour or scene.one_of((246, 238, 220), (238, 220, 190)), look)
    )
    thatch = _roof_colour(scene, scene.one_of((186, 142, 78), (164, 122, 66)), look)
    high = 0.34 * size
    front.box(x + 0.2 * size, y - 0.86 * size, 0.13 * size, 0.3 * size, scene.lit(STONE))
    _smoke(scene, x + 0.27 * size, y - 0.86 * size, size)
    front.box(x - 0.44 * size, y - high, 0.88 * size, high, wall)
    front.blob(
        [
            (x - 0.62 * size, y - 0.22 * size),
            (x - 0.5 * size, y - 0.66 * size),
            (x - 0.2 * size, y - 0.82 * size),
            (x + 0.2 * size, y - 0.82 * size),
            (x + 0.5 * size, y - 0.66 * size),
            (x + 0.62 * size, y - 0.22 * size),
            (x + 0.4 * size, y - 0.32 * size),
            (x - 0.4 * size, y - 0.32 * size),
        ],
        thatch,
    )
    front.box(
        x - 0.08 * size,
        y - 0.27 * size,
        0.16 * size,
        0.27 * size,
        scene.lit(DOOR),
        corner=0.08 * size,
    )
    for place in (-0.34, 0.2):
        _window(scene, x + place * size, y - 0.24 * size, 0.13 * size, 0.13 * size)
    if look.old:
        _patches(scene, x, y, 0.8 * size, high)
    else:
        _flowers(scene, x - 0.28 * size, y, 0.36 * size)
        _flowers(scene, x + 0.28 * size, y, 0.36 * size)


def barn(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A barn: a broken gable, a wide door with a white cross."""
    front = scene.front
    wall = scene.lit(aged(scene, look.colour or (182, 50, 44), look))
    roof = _roof_colour(scene, (88, 70, 68), look)
    high, white = 0.44 * size, scene.lit((244, 240, 230))
    gable: list[Point] = [
        (x - 0.5 * size, y),
        (x - 0.5 * size, y - high),
        (x - 0.36 * size, y - high - 0.26 * size),
        (x, y - high - 0.42 * size),
        (x + 0.36 * size, y - high - 0.26 * size),
        (x + 0.5 * size, y - high),
        (x + 0.5 * size, y),
    ]
    front.polygon(gable, wall)
    front.line(
        [(gable[1][0] - 0.05 * size, gable[1][1] + 0.03 * size), *gable[2:5],
         (gable[5][0] + 0.05 * size, gable[5][1] + 0.03 * size)],
        roof,
        0.10 * size,
    )  # fmt: skip
    front.box(x - 0.2 * size, y - 0.42 * size, 0.4 * size, 0.42 * size, white)
    front.box(x - 0.15 * size, y - 0.37 * size, 0.3 * size, 0.37 * size, wall)
    for end in (-1, 1):
        front.line(
            [(x - end * 0.15 * size, y - 0.36 * size), (x + end * 0.15 * size, y - 0.01 * size)],
            white,
            0.05 * size,
        )
    _window(scene, x - 0.07 * size, y - high - 0.2 * size, 0.14 * size, 0.13 * size)
    if look.old:
        _patches(scene, x, y, size, high)


def church(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A nave beside a tower with a pointed roof and a cross."""
    front = scene.front
    wall = scene.lit(
        aged(scene, look.colour or scene.one_of((240, 236, 226), (206, 198, 186)), look)
    )
    roof = _roof_colour(scene, scene.one_of((120, 60, 54), (84, 88, 104)), look)
    with front.turned(x, y, 0.0, -1.0 if scene.chance(0.5) else 1.0):
        front.box(-0.1 * size, -0.36 * size, 0.56 * size, 0.36 * size, wall)
        front.polygon(
            [(-0.12 * size, -0.36 * size), (0.5 * size, -0.36 * size),
             (0.42 * size, -0.58 * size), (-0.12 * size, -0.58 * size)],
            roof,
        )  # fmt: skip
        shade: RGB = (wall[0] * 0.9, wall[1] * 0.9, wall[2] * 0.9)
        front.box(-0.4 * size, -0.66 * size, 0.3 * size, 0.66 * size, shade)
        front.polygon(
            [
                (-0.45 * size, -0.66 * size),
                (-0.05 * size, -0.66 * size),
                (-0.25 * size, -1.06 * size),
            ],
            roof,
        )
        cross = scene.lit((250, 214, 110))
        front.line([(-0.25 * size, -1.2 * size), (-0.25 * size, -1.02 * size)], cross, 0.035 * size)
        front.line(
            [(-0.32 * size, -1.13 * size), (-0.18 * size, -1.13 * size)], cross, 0.035 * size
        )
        front.disc(-0.25 * size, -0.5 * size, 0.075 * size, scene.window())
        front.box(
            -0.32 * size,
            -0.26 * size,
            0.14 * size,
            0.26 * size,
            scene.lit(DOOR),
            corner=0.07 * size,
        )
        for place in (0.02, 0.24):
            front.box(
                place * size, -0.28 * size, 0.1 * size, 0.2 * size, scene.window(),
                corner=0.05 * size,
            )  # fmt: skip
    if look.old:
        _patches(scene, x, y, 0.6 * size, 0.4 * size)


def village(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Five houses in two rows, a church among them."""
    each = 0.33 * size
    for place, depth in ((-0.52, 0), (0.5, 0), (-0.02, 0)):
        if place == -0.02:
            church(scene, x + place * size, y - 0.12 * size, 0.36 * size, Look(old=look.old))
        else:
            house(scene, x + place * size, y - 0.12 * size - depth, each, Look(old=look.old))
    for place in (-0.68, -0.26, 0.22, 0.66):
        shift = scene.between(-0.03, 0.03) * size
        house(scene, x + 0.86 * place * size + shift, y + 0.1 * size, each, look)


def castle(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """Three to five round towers with pointed roofs, a wall with battlements, a gate."""
    front = scene.front
    stone = look.colour or scene.one_of((166, 162, 168), (190, 176, 152), (214, 208, 214))
    stone = aged(scene, stone, look)
    roof = scene.one_of((176, 58, 66), (64, 88, 160), (92, 120, 84), (136, 76, 140))
    towers = [(-0.42, 0.2, 0.66, 0.88), (0.42, 0.2, 0.66, 0.82), (0.0, 0.28, 0.9, 1.0)]
    if scene.chance(0.5):
        towers = [(-0.2, 0.16, 0.84, 0.94), (0.24, 0.16, 0.78, 0.94), *towers]
    for place, wide, high, shade in towers:
        left, top = x + (place - wide / 2) * size, y - high * size
        front.box(left, top, wide * size, high * size, scene.lit(stone, shade))
        middle = x + place * size
        if not (look.old and place > 0):
            front.polygon(
                [
                    (middle - 0.66 * wide * size, top),
                    (middle + 0.66 * wide * size, top),
                    (middle, top - 1.05 * wide * size),
                ],
                scene.lit(SNOW if scene.snow else aged(scene, roof, look), shade),
            )
        front.box(
            middle - 0.035 * size, top + 0.14 * size, 0.07 * size, 0.12 * size,
            scene.window() if scene.light.lit_windows else scene.lit((66, 60, 74)),
        )  # fmt: skip
    wall = scene.lit(stone, 0.94)
    front.box(x - 0.5 * size, y - 0.34 * size, size, 0.34 * size, wall)
    for i in range(6):
        front.box(x - 0.5 * size + i * 0.18 * size, y - 0.42 * size, 0.1 * size, 0.1 * size, wall)
    front.box(
        x - 0.1 * size,
        y - 0.25 * size,
        0.2 * size,
        0.25 * size,
        scene.lit(DOOR),
        corner=0.08 * size,
    )


def windmill(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A tapering tower with four sails."""
    front = scene.front
    wall = scene.lit(
        aged(scene, look.colour or scene.one_of((240, 232, 214), (198, 160, 126)), look)
    )
    cap = _roof_colour(scene, scene.one_of((146, 70, 50), (88, 92, 108)), look)
    hub = y - 0.62 * size
    front.polygon(
        [(x - 0.2 * size, y), (x + 0.2 * size, y), (x + 0.12 * size, hub), (x - 0.12 * size, hub)],
        wall,
    )
    front.polygon([(x - 0.16 * size, hub), (x + 0.16 * size, hub), (x, hub - 0.2 * size)], cap)
    angle = scene.between(15, 75)
    for quarter in range(4):
        if look.old and quarter == 0:
            continue
        with front.turned(x, hub, angle + 90 * quarter):
            front.box(
                0.0, -0.46 * size, 0.12 * size, 0.34 * size, scene.lit((250, 246, 236)), alpha=0.95
            )
            front.box(-0.025 * size, -0.48 * size, 0.045 * size, 0.48 * size, scene.lit(WOOD))
    front.disc(x, hub, 0.05 * size, scene.lit(WOOD, 0.8))
    front.box(x - 0.06 * size, y - 0.2 * size, 0.12 * size, 0.2 * size, scene.lit(DOOR))
    _window(scene, x - 0.045 * size, y - 0.4 * size, 0.09 * size, 0.1 * size)


def lighthouse(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A striped tower with a lantern, on rocks."""
    front, u = scene.front, size / 62.0
    stripe = scene.lit(aged(scene, look.colour or scene.one_of((214, 56, 50), (46, 88, 168)), look))
    white = scene.lit(aged(scene, (246, 242, 236), look))
    for place, wide in ((-14, 16), (12, 18), (0, 20)):
        front.ellipse(x + place * u, y + u, wide * u, 7 * u, scene.lit((112, 104, 100)))
    for i in range(5):
        low, high = i / 5, (i + 1) / 5
        wide_low, wide_high = (0.17 - 0.06 * low) * size, (0.17 - 0.06 * high) * size
        front.polygon(
            [
                (x - wide_low, y - low * 0.8 * size),
                (x + wide_low, y - low * 0.8 * size),
                (x + wide_high, y - high * 0.8 * size),
                (x - wide_high, y - high * 0.8 * size),
            ],
            white if i % 2 else stripe,
        )
    if scene.light.lit_windows:
        mirror = -1.0 if scene.chance(0.5) else 1.0
        front.polygon(
            [(x, y - 0.87 * size), (x + mirror * 0.6 * size, y - 1.02 * size),
             (x + mirror * 0.6 * size, y - 0.72 * size)],
            (255, 240, 170),
            0.45,
        )  # fmt: skip
    front.box(x - 0.13 * size, y - 0.82 * size, 0.26 * size, 0.04 * size, scene.lit((70, 70, 84)))
    front.box(x - 0.08 * size, y - 0.93 * size, 0.16 * size, 0.12 * size, (255, 230, 130))
    front.polygon(
        [
            (x - 0.12 * size, y - 0.92 * size),
            (x + 0.12 * size, y - 0.92 * size),
            (x, y - 1.06 * size),
        ],
        scene.lit((84, 62, 70)),
    )


def bridge(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """An arched bridge of stone or of painted wood over water that flows towards us."""
    front = scene.front
    stone = scene.lit(
        aged(scene, look.colour or scene.one_of((170, 164, 158), (178, 122, 92)), look)
    )
    deck, foot = y - 0.36 * size, y + 0.02 * size
    half = 0.56 * size
    front.polygon(
        [(x - 0.34 * size, deck), (x + 0.34 * size, deck), (x + 0.5 * size, scene.height),
         (x - 0.5 * size, scene.height)],
        scene.lit((84, 148, 204)),
    )  # fmt: skip
    arch = [
        (x + 0.38 * size * c, foot - 0.27 * size * s)
        for c, s in ((-1, 0), (-0.92, 0.5), (-0.6, 0.9), (0, 1.06), (0.6, 0.9), (0.92, 0.5), (1, 0))
    ]
    front.polygon(
        [
            (x - half, foot),
            (x - half, deck),
            (x - 0.3 * size, deck - 0.08 * size),
            (x + 0.3 * size, deck - 0.08 * size),
            (x + half, deck),
            (x + half, foot),
            *reversed(arch),
        ],
        stone,
    )
    rail: RGB = (stone[0] * 0.78, stone[1] * 0.78, stone[2] * 0.78)
    top = [(x - half, deck - 0.1 * size), (x - 0.3 * size, deck - 0.18 * size),
           (x + 0.3 * size, deck - 0.18 * size), (x + half, deck - 0.1 * size)]  # fmt: skip
    front.line(top, rail, 0.05 * size)
    for place, rise in ((-0.54, 0.0), (-0.3, 0.08), (0.0, 0.08), (0.3, 0.08), (0.54, 0.0)):
        front.box(
            x + (place - 0.03) * size, deck - (0.12 + rise) * size, 0.06 * size, 0.16 * size, rail
        )


def fence(scene: Scene, x: float, y: float, size: float, look: Look) -> None:
    """A wooden fence across the whole picture."""
    front = scene.front
    wood = scene.lit(
        aged(scene, look.colour or scene.one_of((246, 242, 234), (166, 116, 72)), look)
    )
    shade: RGB = (wood[0] * 0.82, wood[1] * 0.82, wood[2] * 0.82)
    high, step = 0.3 * size, 0.17 * size
    for rail in (0.36, 0.74):
        front.box(0, y - rail * high - 0.04 * size, scene.width, 0.055 * size, shade)
    count = int(scene.width / step) + 2
    first = scene.between(-1.0, 0.0) * step
    for i in range(count):
        left, wide = first + i * step, 0.10 * size
        if look.old and scene.chance(0.2):
            continue
        drop = scene.between(0.1, 0.3) * high if look.old else 0.0
        top = y - high + drop
        front.polygon(
            [(left, y), (left, top), (left + wide / 2, top - 0.07 * size), (left + wide, top),
             (left + wide, y)],
            wood,
        )  # fmt: skip
        if scene.snow:
            front.disc(left + wide / 2, top - 0.03 * size, 0.05 * size, scene.lit(SNOW))
