"""The names that the model is trained to know, as its folder tells them to people who type."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from training.painting.colours import SYNONYMS
from training.painting.concepts import CONCEPTS
from training.painting.prompts import SIZE_WORDS, TONE_WORDS
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import SUBJECTS


def things() -> list[str]:
    """Return what the model paints: the usual name of each thing first, then all others."""
    materials = (concept.nouns for concept in CONCEPTS)
    return _usual_first(chain((subject.nouns for subject in SUBJECTS), materials))


def patterns() -> list[str]:
    """Return what shows where its window begins, by all of its names."""
    return _usual_first(concept.nouns for concept in CONCEPTS if concept.regular)


def looks() -> list[str]:
    """Return the words for how things look: light, season, style, colours, sizes, variants."""
    variants = (tuple(concept.variants) for concept in CONCEPTS)
    scenes = (kind.words for kinds in (LIGHTS, SEASONS, STYLES) for kind in kinds.values())
    words = (SYNONYMS.values(), TONE_WORDS.values(), SIZE_WORDS.values(), variants)
    return _usual_first(chain(scenes, *words))


def _usual_first(groups: Iterable[tuple[str, ...]]) -> list[str]:
    """Return each name once: the first of each group, then the rest."""
    named = [[name for name in group if name] for group in groups]
    first = [name for group in named for name in group[:1]]
    rest = [name for group in named for name in group[1:]]
    return list(dict.fromkeys([*first, *rest]))
