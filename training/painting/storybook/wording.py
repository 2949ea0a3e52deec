"""How people ask for a landscape: the words that matter among names and praise that do not."""

from __future__ import annotations

import numpy as np

from training.painting.colours import SYNONYMS
from training.painting.storybook.landscape import Landscape
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import BY_NAME

SIZES: dict[str, tuple[str, ...]] = {
    "small": ("small", "tiny", "little"),
    "giant": ("giant", "giant", "huge", "big", "large", "enormous"),
}
CHARMING = ("charming", "charming", "cosy", "cozy", "lovely", "pretty")
EMPTY_WORDS = ("beautiful", "nice", "wonderful", "lonely", "mysterious", "quiet")
PLACES = (
    "in the countryside",
    "in the countryside",
    "in a field",
    "in a meadow",
    "crossing pastures",
    "in the countryside crossing pastures",
    "in the mountains far away",
    "in the middle of nowhere",
    "in a valley",
    "in a landscape",
    "on a meadow",
)
JOINTS: dict[str, tuple[str, ...]] = {
    "mountain": ("in front of a mountain", "with a mountain behind", "below a mountain"),
    "dirt road": ("beside a dirt road", "on a dirt road", "and a dirt road"),
    "river": ("by a river", "beside a river", "and a river"),
    "forest": ("in front of a forest", "in a forest", "at the edge of a forest"),
    "tree": ("and a tree", "beside a tree", "with a tree"),
    "christmas tree": (
        "and a christmas tree",
        ", a christmas tree",
        "with a christmas tree",
        ", a giant christmas tree",
    ),
    "sheep": ("and sheep", "with sheep", ", sheep"),
    "snowman": ("and a snowman", ", a snowman", "with a snowman"),
    "house": ("and a house", "beside a house", ", a house"),
}
PRAISE = (
    "elegant",
    "highly detailed",
    "smooth",
    "sharp focus",
    "artstation",
    "trending on artstation",
    "stunning masterpiece",
    "masterpiece",
    "intricate",
    "impressive colors",
    "8k",
    "4k",
    "concept art",
    "digital painting",
    "illustration",
    "matte painting",
    "cinematic",
    "beautiful",
    "volumetric light",
    "high quality",
    "best quality",
    "ultra realistic",
    "fantasy",
    "wide shot",
    "award winning",
    "octane render",
    "by greg",
    "very detailed",
    "professional",
    "vivid colors",
)
ONSETS = (
    *"bcdfghjklmnprstvwz",
    *("ch", "sh", "th", "st", "br", "kr", "sch", "sz", "gu", "tr", "al", "an", "el", "qu"),
)
CORES = (*"aeiou", "ai", "ei", "ou", "ie", "ow", "y")
ENDS = ("", "", "n", "r", "l", "s", "k", "ski", "ner", "man", "son", "ez", "dra", "lin", "to", "ng")


def _one_of(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def made_up_word(rng: np.random.Generator) -> str:
    """Make a word that nobody knows, of one to three syllables."""
    syllables = int(rng.choice([1, 2, 2, 3]))
    middle = "".join(_one_of(rng, ONSETS) + _one_of(rng, CORES) for _ in range(syllables))
    return middle + _one_of(rng, ENDS)


def made_up_name(rng: np.random.Generator) -> str:
    """Make an artist's name of one or two words."""
    return " ".join(made_up_word(rng) for _ in range(1 if rng.random() < 0.2 else 2))


def _names(rng: np.random.Generator) -> str:
    count = int(rng.choice([1, 1, 2, 3]))
    names = (", " if rng.random() < 0.6 else " and ").join(made_up_name(rng) for _ in range(count))
    return _one_of(rng, ("by ", "by ", "art by ", "in the style of ")) + names


def _core(wish: Landscape, rng: np.random.Generator) -> str:
    own = BY_NAME[wish.subject]
    noun = own.nouns[0] if rng.random() < 0.3 else _one_of(rng, own.nouns)
    words = list[str]()
    if wish.charming:
        words.append(_one_of(rng, CHARMING))
    if wish.old:
        words.append(_one_of(rng, own.old))
    if wish.size:
        words.append(_one_of(rng, SIZES[wish.size]))
    if not words and rng.random() < 0.08:
        words.append(_one_of(rng, EMPTY_WORDS))
    if rng.random() < 0.2:
        words.reverse()
    if wish.colour:
        words.append(wish.colour if rng.random() < 0.8 else _one_of(rng, SYNONYMS[wish.colour]))
    words.append(noun)
    text = " ".join(words)
    draw = rng.random()
    if draw < 0.55:
        plural = noun.split()[0] in ("sheep", "cows", "cattle", "woods", "flower")
        article = "" if plural else ("an " if text[0] in "aeiou" else "a ")
        text = ("the " if draw < 0.08 else article) + text
    if wish.second:
        text += f" {_one_of(rng, JOINTS[wish.second])}".replace(" ,", ",")
    elif rng.random() < 0.22:
        text += f" {_one_of(rng, PLACES)}"
    return text


def wording(wish: Landscape, rng: np.random.Generator) -> str:
    """Say a wish in one of its many ways, at times short, at times as prompts are passed around."""
    light = LIGHTS[wish.light]
    said = [
        _one_of(rng, light.lamp_words if wish.lamp else light.words),
        _one_of(rng, SEASONS[wish.season].words),
        _one_of(rng, STYLES[wish.style].words),
    ]
    parts = [part for part in said if part]
    rng.shuffle(parts)
    long = rng.random() < 0.5
    if long:
        praise = [str(p) for p in rng.permutation(PRAISE)[: int(rng.integers(1, 8))]]
        if rng.random() < 0.7:
            parts.insert(int(rng.integers(len(parts) + 1)), _names(rng))
        if rng.random() < 0.25:
            parts += praise
            rng.shuffle(parts)
        else:
            parts += praise
    elif rng.random() < 0.15:
        parts.insert(int(rng.integers(len(parts) + 1)), made_up_word(rng))
    text = _core(wish, rng)
    opening = rng.random()
    if wish.season == "snow" and opening < 0.12:
        text = f"christmas postcard, {text}"
    elif opening > 0.92:
        text = (
            _one_of(rng, ("picture of ", "painting of ", "landscape with ", "postcard of ")) + text
        )
    lead = parts and rng.random() < 0.12 and not long
    return ", ".join([*parts, text] if lead else [text, *parts])
