"""The list of subjects: what they are called, how large they are, who paints them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from training.painting.storybook import buildings, nature, things
from training.painting.storybook.scene import Look, Scene

Painter = Callable[[Scene, float, float, float, Look], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing that a landscape is about.

    `size` is its usual size and `half` half of its width, in hundredths of the shorter side; `foot`
    how far below the horizon it stands. `wide` ones fill the picture's width, and no other subject
    stands beside them. `shore` ones have a lake for a ground.
    """

    name: str
    paint: Painter
    nouns: tuple[str, ...]
    size: float = 50.0
    half: float = 30.0
    foot: float = 17.0
    old: tuple[str, ...] = ("old", "old", "ancient", "weathered", "abandoned")
    ages: bool = True
    colours: bool = True
    wide: bool = False
    charming: bool = False
    shore: bool = False


SUBJECTS: tuple[Subject, ...] = (
    Subject(
        name="house",
        paint=buildings.house,
        nouns=("house", "house", "home", "farmhouse", "country house"),
        size=54,
        half=32,
        charming=True,
    ),
    Subject(
        name="cottage",
        paint=buildings.cottage,
        nouns=("cottage", "thatched cottage", "hut"),
        size=54,
        half=34,
        charming=True,
    ),
    Subject(name="barn", paint=buildings.barn, nouns=("barn", "farm barn", "stable"), size=52),
    Subject(
        name="village",
        paint=buildings.village,
        nouns=("village", "town", "hamlet"),
        size=58,
        half=44,
        colours=False,
        charming=True,
    ),
    Subject(
        name="castle",
        paint=buildings.castle,
        nouns=("castle", "castle", "fortress", "palace"),
        size=50,
        half=28,
        old=("old", "ancient", "ruined", "medieval"),
    ),
    Subject(
        name="windmill", paint=buildings.windmill, nouns=("windmill", "mill"), size=62, foot=20
    ),
    Subject(
        name="lighthouse",
        paint=buildings.lighthouse,
        nouns=("lighthouse", "lighthouse", "lighthouse by the sea"),
        size=60,
        half=30,
        shore=True,
    ),
    Subject(
        name="church",
        paint=buildings.church,
        nouns=("church", "chapel", "village church"),
        size=48,
        half=26,
        charming=True,
    ),
    Subject(
        name="bridge",
        paint=buildings.bridge,
        nouns=("bridge", "stone bridge", "bridge over a river", "arched bridge"),
        size=64,
        half=36,
        foot=20,
    ),
    Subject(
        name="dirt road",
        paint=nature.road,
        nouns=("dirt road", "dirt road", "country road", "path", "dirt track"),
        half=20,
        ages=False,
        colours=False,
        wide=True,
    ),
    Subject(
        name="river",
        paint=nature.river,
        nouns=("river", "stream", "river in a valley", "winding river"),
        half=20,
        ages=False,
        colours=False,
        wide=True,
    ),
    Subject(
        name="waterfall",
        paint=nature.waterfall,
        nouns=("waterfall", "waterfalls", "cascade"),
        size=56,
        half=42,
        ages=False,
        colours=False,
    ),
    Subject(
        name="boat",
        paint=things.boat,
        nouns=("boat", "boat on a lake", "sailing boat", "sailboat", "lake with a boat"),
        size=56,
        half=27,
        foot=24,
    ),
    Subject(
        name="mountain",
        paint=nature.mountain,
        nouns=("mountain", "mountain landscape", "mountain peaks", "snowy mountain"),
        size=54,
        half=40,
        ages=False,
        colours=False,
        wide=True,
    ),
    Subject(
        name="forest",
        paint=nature.forest,
        nouns=("forest", "forest", "woods", "pine forest", "forest of trees"),
        half=20,
        ages=False,
        colours=False,
        wide=True,
    ),
    Subject(
        name="tree",
        paint=nature.tree,
        nouns=("tree", "tree", "oak tree", "oak", "lonely tree"),
        size=62,
        half=32,
        foot=20,
        old=("dead", "bare", "leafless"),
    ),
    Subject(
        name="christmas tree",
        paint=nature.christmas_tree,
        nouns=("christmas tree", "christmas tree", "decorated christmas tree", "decorated fir"),
        size=64,
        half=18,
        foot=22,
        ages=False,
        colours=False,
    ),
    Subject(
        name="garden",
        paint=nature.garden,
        nouns=("garden", "flower garden", "garden full of flowers", "flower beds"),
        half=20,
        ages=False,
        wide=True,
    ),
    Subject(
        name="fence",
        paint=buildings.fence,
        nouns=("fence", "wooden fence", "picket fence", "fence around a pasture"),
        size=70,
        half=20,
        foot=22,
        wide=True,
        old=("old", "broken", "weathered"),
    ),
    Subject(
        name="robot",
        paint=things.robot,
        nouns=("robot", "robot", "standing robot", "robot standing in a field", "android"),
        size=58,
        half=22,
        foot=22,
        old=("old", "rusty", "old and rusty", "rusted", "old rusty"),
    ),
    Subject(
        name="lying robot",
        paint=things.lying_robot,
        nouns=(
            "robot lying on a dirt road",
            "robot lying on a dirt road",
            "robot lying down",
            "fallen robot",
            "robot lying on the ground",
        ),
        size=58,
        half=36,
        foot=24,
        old=("old", "rusty", "old and rusty", "rusted", "old rusty"),
    ),
    Subject(
        name="car",
        paint=things.car,
        nouns=("car", "car", "automobile", "vintage car"),
        size=56,
        half=30,
        foot=20,
        old=("old", "rusty", "old and rusty", "rusted"),
    ),
    Subject(
        name="train",
        paint=things.train,
        nouns=("train", "steam train", "locomotive", "railway train"),
        size=60,
        half=40,
        foot=18,
        old=("old", "rusty", "ancient"),
    ),
    Subject(
        name="balloon",
        paint=things.balloon,
        nouns=("balloon", "hot air balloon", "hot air balloon in the sky"),
        size=52,
        half=20,
        foot=-2,
        ages=False,
    ),
    Subject(
        name="dragon",
        paint=things.dragon,
        nouns=("dragon", "dragon", "winged dragon"),
        size=54,
        half=40,
        foot=20,
        ages=False,
    ),
    Subject(
        name="sheep",
        paint=things.sheep,
        nouns=("sheep", "flock of sheep", "sheep grazing", "sheep in a meadow"),
        size=42,
        half=34,
        foot=20,
        ages=False,
        colours=False,
    ),
    Subject(
        name="cows",
        paint=things.cows,
        nouns=("cows", "cow", "cattle", "cows on a pasture"),
        size=50,
        half=40,
        foot=20,
        ages=False,
        colours=False,
    ),
    Subject(
        name="snowman",
        paint=things.snowman,
        nouns=("snowman", "snowman with a hat", "snow man"),
        size=50,
        half=24,
        foot=20,
        ages=False,
        colours=False,
    ),
)
BY_NAME = {subject.name: subject for subject in SUBJECTS}
NAMES = tuple(BY_NAME)
BEHIND = ("mountain", "dirt road", "river", "forest")
"""What else a picture may show behind its subject."""
BESIDE = ("tree", "christmas tree", "sheep", "snowman", "house")
"""What else a picture may show, smaller, to its side."""
