"""The names that a model was trained to know: in a prompt, close to one, and as one is typed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_PLACE = re.compile(r"\{\w*\}")
_LONGEST_NAME = 100
_MOST_NAMES = 5000
_MOST_WORDS_COMPARED = 40  # a model sees hardly more of a prompt
_MOST_WORDS_BEGUN = 3
_LEAST_LETTERS = 3
_LIKENESS = 0.75
_NEAR = 3


def read_names(value: object) -> tuple[str, ...]:
    """Return the names that a model's own note lists, none where it lists none."""
    listed = value if isinstance(value, list) else []
    names = (" ".join(name.split()) for name in listed[:_MOST_NAMES] if isinstance(name, str))
    plain = (name for name in names if name.isprintable() and 0 < len(name) <= _LONGEST_NAME)
    return tuple(dict.fromkeys(plain))


@lru_cache(maxsize=256)
def holds_name(prompt: str, names: tuple[str, ...]) -> bool:
    """Return whether a prompt holds one of the names, word by word, in any case."""
    text = _spaced(prompt)
    return any(_spaced(name) in text for name in names)


@lru_cache(maxsize=256)
def names_near(prompt: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the few names that are spelled most like words of a prompt."""
    spelled: dict[str, str] = {}
    for name in sorted(names, key=len):
        for word in _telling(name):
            spelled.setdefault(word, name)
    found: dict[str, float] = {}
    for word in _telling(prompt)[:_MOST_WORDS_COMPARED]:
        for close in difflib.get_close_matches(word, spelled, n=_NEAR, cutoff=_LIKENESS):
            likeness = difflib.SequenceMatcher(None, word, close).ratio()
            name = spelled[close]
            found[name] = max(likeness, found.get(name, 0.0))
    return tuple(sorted(found, key=lambda name: -found[name])[:_NEAR])


def completions(text: str, names: Sequence[str]) -> Iterator[str]:
    """Yield what a prompt may become when its last words are completed to a name.

    Names that begin with the last words come first, then those with a word that does. Where
    nothing is begun, every name is one.
    """
    if not text.strip() or text.rstrip().endswith(","):
        head = f"{text} " if text.endswith(",") else text
        yield from (head + name for name in names)
        return
    for start in [match.start() for match in _WORD.finditer(text)][-_MOST_WORDS_BEGUN:]:
        head, tail = text[:start], text[start:].casefold()
        fitting = [name for name in names if name.casefold().startswith(tail)]
        fitting += [name for name in names if f" {tail}" in name.casefold()]
        if fitting:
            yield from (head + name for name in dict.fromkeys(fitting))
            return


def _words(text: str) -> list[str]:
    return _WORD.findall(_PLACE.sub(" ", text).casefold())


def _telling(text: str) -> list[str]:
    """Return the words that are long enough to tell anything, each once."""
    return list(dict.fromkeys(word for word in _words(text) if len(word) >= _LEAST_LETTERS))


def _spaced(text: str) -> str:
    return f" {' '.join(_words(text))} "
