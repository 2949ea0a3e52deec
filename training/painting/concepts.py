"""The list of concepts: what they are called, which colours they take, who paints them."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.painting import masonry, nature, patterns, scenes
from training.painting.brush import Painter
from training.painting.colours import NAMED

RGB = tuple[float, float, float]
ALL_COLOURS = tuple(NAMED)


def _except(*names: str) -> tuple[str, ...]:
    return tuple(name for name in ALL_COLOURS if name not in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One thing that the model paints.

    `nouns` are whole names ("brick wall"); `phrases` hold a place for the colour ("wall of {}
    bricks"). `natural` are the colours where none is named. `two_colours` concepts always show a
    second colour. `variants` maps a word of the prompt to the painter's variant. `framed`
    concepts have a composition: little of them may be cut away.
    """

    name: str
    paint: Painter
    nouns: tuple[str, ...]
    natural: tuple[RGB, ...]
    phrases: tuple[str, ...] = ()
    colours: tuple[str, ...] = ALL_COLOURS
    two_colours: bool = False
    variants: dict[str, str] = field(default_factory=dict)
    framed: bool = False


_LEVEL = {"horizontal": "horizontal", "vertical": "vertical"}

CONCEPTS: tuple[Concept, ...] = (
    Concept(
        name="bricks",
        paint=masonry.bricks,
        nouns=("brick wall", "bricks", "wall of bricks", "brickwork", "brick"),
        phrases=("wall of {} bricks", "wall made of {} bricks", "wall built from {} brick"),
        natural=((0.66, 0.25, 0.17), (0.60, 0.28, 0.20)),
    ),
    Concept(
        name="tiles",
        paint=masonry.tiles,
        nouns=("tiles", "tiled wall", "ceramic tiles", "bathroom tiles", "tiled floor"),
        phrases=("wall of {} tiles", "floor of {} tiles"),
        natural=((0.80, 0.86, 0.88), (0.35, 0.62, 0.78), (0.45, 0.70, 0.62)),
    ),
    Concept(
        name="cobblestone",
        paint=masonry.cobblestone,
        nouns=(
            "cobblestone",
            "cobblestones",
            "cobblestone road",
            "cobblestone street",
            "paving stones",
            "stone pavement",
        ),
        phrases=("road of {} cobblestones", "street paved with {} stones"),
        natural=((0.55, 0.54, 0.52), (0.58, 0.54, 0.48), (0.50, 0.52, 0.56)),
    ),
    Concept(
        name="roof tiles",
        paint=masonry.roof_tiles,
        nouns=("roof tiles", "tiled roof", "roof", "roof shingles", "clay roof"),
        phrases=("roof of {} tiles", "roof with {} tiles"),
        natural=((0.70, 0.32, 0.20), (0.62, 0.27, 0.18)),
    ),
    Concept(
        name="asphalt",
        paint=masonry.asphalt,
        nouns=("asphalt", "asphalt road", "tarmac", "road", "road surface"),
        phrases=("road of {} asphalt",),
        natural=((0.33, 0.33, 0.35), (0.38, 0.38, 0.39)),
    ),
    Concept(
        name="planks",
        paint=masonry.planks,
        nouns=("wooden planks", "wood planks", "wooden boards", "planks", "wood", "wooden floor"),
        phrases=("planks of {} wood", "floor of {} boards", "{} painted wood"),
        natural=((0.62, 0.40, 0.21), (0.52, 0.33, 0.17), (0.70, 0.50, 0.30)),
        variants=_LEVEL,
    ),
    Concept(
        name="marble",
        paint=masonry.marble,
        nouns=("marble", "polished marble", "marble stone", "marble slab", "veined marble"),
        phrases=("slab of {} marble", "floor of {} marble"),
        natural=((0.90, 0.89, 0.87),),
    ),
    Concept(
        name="grass",
        paint=nature.grass,
        nouns=("grass", "lawn", "grass meadow", "field of grass", "grassland"),
        phrases=("field of {} grass", "meadow of {} grass"),
        natural=((0.30, 0.60, 0.15), (0.38, 0.62, 0.18), (0.25, 0.55, 0.20)),
    ),
    Concept(
        name="leaves",
        paint=nature.leaves,
        nouns=("leaves", "foliage", "hedge", "ivy", "leafy bush"),
        phrases=("wall of {} leaves", "hedge with {} leaves"),
        natural=((0.22, 0.54, 0.16), (0.30, 0.56, 0.18)),
    ),
    Concept(
        name="flowers",
        paint=nature.flowers,
        nouns=("flowers", "flower meadow", "blossoms", "field of flowers", "flower bed"),
        phrases=("field of {} flowers", "meadow with {} flowers"),
        natural=((0.95, 0.50, 0.70), (0.95, 0.94, 0.92), (0.85, 0.15, 0.15), (0.6, 0.35, 0.8)),
        colours=_except("green", "black", "brown", "grey"),
    ),
    Concept(
        name="water",
        paint=nature.water,
        nouns=("water", "sea", "water surface", "ripples on water", "ocean", "lake", "waves"),
        phrases=("surface of {} water", "ripples on {} water"),
        natural=((0.12, 0.40, 0.72), (0.10, 0.46, 0.68)),
    ),
    Concept(
        name="sand",
        paint=nature.sand,
        nouns=("sand", "desert sand", "sand dunes", "beach sand", "sandy beach", "desert"),
        phrases=("dunes of {} sand", "beach of {} sand"),
        natural=((0.86, 0.72, 0.48), (0.88, 0.76, 0.55)),
    ),
    Concept(
        name="snow",
        paint=nature.snow,
        nouns=("snow", "fresh snow", "snowy ground", "snow field", "snowdrift"),
        phrases=("field of {} snow", "drifts of {} snow"),
        natural=((0.93, 0.94, 0.96),),
        colours=_except("black"),
    ),
    Concept(
        name="lava",
        paint=nature.lava,
        nouns=("lava", "molten lava", "magma", "glowing lava", "volcanic lava"),
        phrases=("stream of {} lava", "cracks of {} lava"),
        natural=((0.98, 0.36, 0.04), (0.95, 0.28, 0.04)),
        colours=_except("black", "brown", "grey", "white"),
    ),
    Concept(
        name="rust",
        paint=nature.rust,
        nouns=("rusty metal", "rusted metal", "rust", "rusty iron", "corroded metal"),
        phrases=("{} metal with rust", "rusty {} metal", "rusty {} steel"),
        natural=((0.48, 0.53, 0.57), (0.42, 0.47, 0.50)),
        colours=_except("orange", "brown"),
    ),
    Concept(
        name="bamboo",
        paint=nature.bamboo,
        nouns=("bamboo", "bamboo canes", "bamboo wall", "bamboo fence"),
        phrases=("wall of {} bamboo", "fence of {} bamboo"),
        natural=((0.45, 0.66, 0.22), (0.72, 0.66, 0.32)),
    ),
    Concept(
        name="checkerboard",
        paint=patterns.checkerboard,
        nouns=("checkerboard", "chessboard", "checkered pattern", "checkerboard pattern"),
        phrases=("checkerboard of {} squares", "{} squares like a chessboard"),
        natural=((0.09, 0.09, 0.10),),
        two_colours=True,
    ),
    Concept(
        name="stripes",
        paint=patterns.stripes,
        nouns=("stripes", "striped pattern", "stripe pattern", "bands"),
        phrases=("pattern of {} stripes", "wall with {} stripes"),
        natural=((0.80, 0.09, 0.10), (0.12, 0.28, 0.82), (0.10, 0.10, 0.11)),
        two_colours=True,
        variants={**_LEVEL, "diagonal": "diagonal"},
    ),
    Concept(
        name="zigzag",
        paint=patterns.zigzag,
        nouns=("zigzag pattern", "chevron pattern", "zigzag", "zigzags", "chevrons"),
        phrases=("zigzag of {} bands", "pattern of {} zigzags"),
        natural=((0.95, 0.84, 0.15), (0.12, 0.28, 0.82), (0.10, 0.10, 0.11)),
        two_colours=True,
    ),
    Concept(
        name="polka dots",
        paint=patterns.polka_dots,
        nouns=("polka dots", "dots", "polka dot pattern", "dotted pattern", "polka dot fabric"),
        phrases=("pattern of {} dots",),
        natural=((0.80, 0.09, 0.10), (0.12, 0.28, 0.82), (0.10, 0.10, 0.11)),
        two_colours=True,
    ),
    Concept(
        name="honeycomb",
        paint=patterns.honeycomb,
        nouns=("honeycomb", "hexagons", "hexagon pattern", "honeycomb cells", "hexagonal tiles"),
        phrases=("pattern of {} hexagons", "honeycomb of {} cells"),
        natural=((0.93, 0.62, 0.12),),
    ),
    Concept(
        name="fabric",
        paint=patterns.fabric,
        nouns=("woven fabric", "fabric", "woven cloth", "basket weave", "wicker", "canvas weave"),
        phrases=("weave of {} threads", "cloth woven from {} threads"),
        natural=((0.72, 0.62, 0.46), (0.62, 0.50, 0.34)),
    ),
    Concept(
        name="knitting",
        paint=patterns.knitting,
        nouns=("knitted wool", "knitting", "knitted sweater", "wool", "knitwear"),
        phrases=("sweater of {} wool", "knitting in {} wool"),
        natural=((0.80, 0.74, 0.64), (0.62, 0.20, 0.22), (0.35, 0.42, 0.55)),
    ),
    Concept(
        name="curtain",
        paint=patterns.curtain,
        nouns=("curtain", "velvet curtain", "drapes", "theatre curtain", "curtains"),
        phrases=("curtain of {} velvet", "folds of {} cloth"),
        natural=((0.62, 0.08, 0.12), (0.55, 0.10, 0.20)),
    ),
    Concept(
        name="camouflage",
        paint=patterns.camouflage,
        nouns=("camouflage", "camouflage pattern", "army camouflage", "camo"),
        phrases=("camouflage in {} tones",),
        natural=((0.36, 0.42, 0.22),),
    ),
    Concept(
        name="sky",
        paint=scenes.sky,
        nouns=("sky with clouds", "sky", "clouds in the sky", "day sky", "clouds"),
        phrases=("clouds in a {} sky", "{} sky with white clouds"),
        natural=((0.26, 0.52, 0.90), (0.32, 0.58, 0.92)),
        colours=_except("white", "black", "brown"),
        variants={"clear": "clear", "cloudy": "cloudy"},
        framed=True,
    ),
    Concept(
        name="sunset",
        paint=scenes.sunset,
        nouns=("sunset", "sunset sky", "evening sky", "sunrise", "setting sun"),
        phrases=("sun in a {} evening sky", "{} sky at sunset"),
        natural=((0.96, 0.46, 0.18), (0.92, 0.40, 0.25)),
        colours=("red", "orange", "yellow", "pink", "purple"),
        framed=True,
    ),
    Concept(
        name="starry night",
        paint=scenes.starry_night,
        nouns=("starry night", "starry sky", "night sky", "stars", "night sky with stars", "space"),
        phrases=("stars in a {} night sky", "{} sky full of stars"),
        natural=((0.16, 0.18, 0.46), (0.14, 0.14, 0.40)),
        colours=_except("white", "yellow", "grey", "brown", "orange"),
    ),
    Concept(
        name="mountains",
        paint=scenes.mountains,
        nouns=("mountains", "mountain range", "snowy mountains", "mountain landscape", "peaks"),
        phrases=("range of {} mountains",),
        natural=((0.42, 0.45, 0.50), (0.38, 0.42, 0.55), (0.45, 0.42, 0.40)),
        colours=_except("white", "yellow"),
        framed=True,
    ),
    Concept(
        name="hills",
        paint=scenes.hills,
        nouns=("rolling hills", "hills", "hilly landscape", "hills under a pale sky"),
        phrases=("landscape of {} hills",),
        natural=((0.36, 0.64, 0.22), (0.42, 0.66, 0.26)),
        colours=_except("white", "black"),
        framed=True,
    ),
    Concept(
        name="forest",
        paint=scenes.forest,
        nouns=("pine forest", "forest", "fir trees", "conifers", "misty forest", "woods"),
        phrases=("forest of {} trees", "row of {} fir trees"),
        natural=((0.16, 0.38, 0.20), (0.14, 0.34, 0.24)),
        colours=_except("white"),
        framed=True,
    ),
)
BY_NAME: dict[str, Concept] = {concept.name: concept for concept in CONCEPTS}
NAMES: tuple[str, ...] = tuple(BY_NAME)
