"""The names that the model is trained to know, as its folder tells them to people who type."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from training.painting.colours import SYNONYMS
from training.painting.concepts import CONCEPTS
from training.painting.prompts import SIZE_WORDS, TONE_WORDS


def things() -> list[str]:
    """Return what the model paints: the usual name of each thing first, then all others."""
    return _usual_first(concept.nouns for concept in CONCEPTS)


def looks() -> list[str]:
    """Return the words for how things look: colours, tones, sizes, variants."""
    variants = (tuple(concept.variants) for concept in CONCEPTS)
    groups = (SYNONYMS.values(), TONE_WORDS.values(), SIZE_WORDS.values(), variants)
    return _usual_first(chain.from_iterable(groups))


def _usual_first(groups: Iterable[tuple[str, ...]]) -> list[str]:
    """Return each name once: the first of each group, then the rest."""
    named = [[name for name in group if name] for group in groups]
    first = [name for group in named for name in group[:1]]
    rest = [name for group in named for name in group[1:]]
    return list(dict.fromkeys([*first, *rest]))
