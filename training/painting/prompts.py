"""What is painted and how it is asked for: a wish and its many wordings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.painting.brush import Brush
from training.painting.colours import NAMED, SYNONYMS, Pixels, jittered, rgb, toned
from training.painting.concepts import BY_NAME, CONCEPTS, Concept

Size = Literal["", "small", "large"]
Tone = Literal["", "dark", "bright"]
SIZE_WORDS: dict[str, tuple[str, ...]] = {
    "": ("",),
    "small": ("small", "tiny", "fine"),
    "large": ("large", "big", "huge"),
}
TONE_WORDS: dict[str, tuple[str, ...]] = {
    "": ("",),
    "dark": ("dark", "deep"),
    "bright": ("bright", "light", "pale"),
}
SIZE_SCALE: dict[str, tuple[float, float, float]] = {  # lowest, usual, highest
    "": (0.88, 1.0, 1.25),
    "small": (0.60, 0.67, 0.74),
    "large": (1.55, 1.7, 1.95),
}
OPENINGS = ("", "", "", "", "a ", "the ", "texture of ", "picture of ", "photo of ", "painting of ")
HELD_OUT_SHARE = 16
# Words that say nothing a painter could show: prompts hold them, and they must do no harm.
FILLERS_BEFORE = (
    "old",
    "beautiful",
    "weathered",
    "smooth",
    "rough",
    "shiny",
    "clean",
    "realistic",
    "seamless",
    "detailed",
    "simple",
    "ancient",
    "some",
    "many",
    "wide",
    "close up of",
    "view of",
    "image of",
    "photograph of",
    "drawing of",
    "illustration of",
    "surface of",
    "an old",
    "a nice",
)
FILLERS_AFTER = (
    ", highly detailed",
    ", detailed",
    ", photo",
    ", realistic",
    ", seamless texture",
    ", 4k",
    "background",
    "in sunlight",
    ", high quality",
    "seen from above",
    "up close",
    "surface",
    "pattern",
    ", sharp",
    ", professional photo",
    "outside",
    "everywhere",
    ", best quality",
)
CONSONANTS, VOWELS = "bcdfghklmnprstvw", "aeiou"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a picture shows; the empty string means that nothing was said about it."""

    concept: str
    colour: str = ""
    second: str = ""
    size: Size = ""
    tone: Tone = ""
    variant: str = ""

    def held_out(self) -> bool:
        """Tell whether this combination of words is kept away from training, for the benchmark."""
        if not self.colour or not (self.size or self.tone or self.second):
            return False
        key = "|".join((self.concept, self.colour, self.second, self.size, self.tone))
        return hashlib.sha256(key.encode()).digest()[0] % HELD_OUT_SHARE == 0


def _choice(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def random_wish(
    rng: np.random.Generator, concept: str | None = None, *, training: bool = True
) -> Wish:
    """Draw a wish; wishes that are held out come only where `training` is false."""
    while True:
        chosen = BY_NAME[concept] if concept else CONCEPTS[int(rng.integers(len(CONCEPTS)))]
        colour = _choice(rng, chosen.colours) if rng.random() < 0.72 else ""
        second = ""
        if chosen.two_colours and colour and rng.random() < 0.75:
            second = _choice(rng, tuple(c for c in chosen.colours if c != colour))
        size: Size = "" if rng.random() < 0.64 else ("small" if rng.random() < 0.5 else "large")
        tone: Tone = ""
        plain = colour in ("black", "white", "grey") or second or not colour
        if not plain and rng.random() < 0.24:
            tone = "dark" if rng.random() < 0.5 and colour != "orange" else "bright"
        variant = ""
        if chosen.variants and rng.random() < 0.5:
            variant = _choice(rng, tuple(chosen.variants))
        wish = Wish(
            concept=chosen.name,
            colour=colour,
            second=second,
            size=size,
            tone=tone,
            variant=variant,
        )
        if not (training and wish.held_out()):
            return wish


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)


def wordings(wish: Wish, rng: np.random.Generator) -> str:
    """Say a wish in one of its many ways, as training does."""
    concept = BY_NAME[wish.concept]
    noun = _choice(rng, concept.nouns)
    if rng.random() < 0.25:
        noun = concept.nouns[0]
    size = _choice(rng, SIZE_WORDS[wish.size])
    tone = _choice(rng, TONE_WORDS[wish.tone])
    colour = _colour_words(wish, rng)
    look = _joined(tone, colour)
    form = float(rng.random())
    if not colour:
        text = _joined(size, wish.variant, noun)
    elif concept.phrases and form < 0.25:
        phrase = _choice(rng, concept.phrases).format(look)
        text = _joined(wish.variant, size, phrase)
    elif form < 0.70:
        words = (size, look, wish.variant) if rng.random() < 0.6 else (look, size, wish.variant)
        text = _joined(*words, noun)
    elif form < 0.88:
        text = _joined(size, wish.variant, noun, "in", look)
    else:
        text = _joined(look, size, wish.variant, noun, "texture")
    return _opened(text, rng)


def with_filler(text: str, rng: np.random.Generator) -> str:
    """Add words without a picture: common ones, at times a made-up one."""
    draw = float(rng.random())
    if draw < 0.4:
        return f"{_choice(rng, FILLERS_BEFORE)} {text}"
    if draw < 0.8:
        after = _choice(rng, FILLERS_AFTER)
        return text + after if after.startswith(",") else f"{text} {after}"
    syllables = int(rng.integers(1, 4))
    made_up = "".join(
        _choice(rng, tuple(CONSONANTS)) + _choice(rng, tuple(VOWELS)) for _ in range(syllables)
    )
    words = text.split()
    place = int(rng.integers(len(words) + 1))
    return " ".join([*words[:place], made_up + _choice(rng, tuple(CONSONANTS)), *words[place:]])


def held_out_wording(wish: Wish, rng: np.random.Generator) -> str:
    """Say a wish in an order of words that training never uses."""
    concept = BY_NAME[wish.concept]
    colour = _colour_words(wish, rng)
    look = _joined(TONE_WORDS[wish.tone][0], colour)
    size = SIZE_WORDS[wish.size][0]
    form = int(rng.integers(3))
    if form == 0:
        return ", ".join(part for part in (concept.nouns[0], look, size, wish.variant) if part)
    if form == 1:
        return _joined("texture:", concept.nouns[0], wish.variant, look, size)
    return _joined(look, wish.variant, "picture of", size, concept.nouns[0])


def _colour_words(wish: Wish, rng: np.random.Generator) -> str:
    if not wish.colour:
        return ""
    first = wish.colour if rng.random() < 0.7 else _choice(rng, SYNONYMS[wish.colour])
    if not wish.second:
        return first
    second = wish.second if rng.random() < 0.7 else _choice(rng, SYNONYMS[wish.second])
    if wish.concept == "polka dots":
        return f"{first} and {second}" if rng.random() < 0.6 else f"{first} on {second}"
    return f"{first} and {second}" if rng.random() < 0.5 else f"{second} and {first}"


def _opened(text: str, rng: np.random.Generator) -> str:
    return _choice(rng, OPENINGS) + text


def paint(wish: Wish, height_px: int, width_px: int, rng: np.random.Generator) -> Pixels:
    """Paint a wish.

    Shapes: (H, W, 3) in [0, 1].
    """
    concept: Concept = BY_NAME[wish.concept]
    if wish.colour:
        main = toned(jittered(rgb(*NAMED[wish.colour]), rng), wish.tone)
    else:
        natural = concept.natural[int(rng.integers(len(concept.natural)))]
        main = jittered(rgb(*natural), rng, 1.5)
    light = rgb(*NAMED["white"])
    second = jittered(rgb(*NAMED[wish.second]), rng) if wish.second else light
    if wish.colour == "white" and not wish.second:
        second = rgb(0.55, 0.55, 0.56)
    low, usual, high = SIZE_SCALE[wish.size]
    variant = concept.variants.get(wish.variant, "")
    if not variant and concept.name in ("planks", "stripes"):
        variant = _choice(rng, tuple(concept.variants.values()))
    picture = concept.paint(
        Brush(
            height_px=height_px,
            width_px=width_px,
            rng=rng,
            scale=float(rng.uniform(low, high)),
            usual_scale=usual,
            main=main,
            second=second,
            variant=variant,
        )
    )
    return np.clip(picture, 0.0, 1.0).astype(np.float32)
