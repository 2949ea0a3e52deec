"""Weights and parts in prompts as most programs write them: `(word:1.3)`, `[word]`, `BREAK`.

Read here and not by a library: panels tell what is odd about a prompt while it is typed, by the
standard library alone. What the weights do to a text's embedding is a library's
(`engine.families.weighted_prompts`).

Source: the syntax of A1111's web UI, Attention/emphasis; but a bracket without a partner is a sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .errors import shown

PLAIN, WEIGHTS = "plain", "weights"
PROMPT_SYNTAXES = (PLAIN, WEIGHTS)

MOST_WEIGHT = 10.0
_SPOILS = 2.0
_BRACKET = 1.1
_PARTNER = {")": "(", "]": "["}
_ESCAPED = "\\"
# No alternative may look at the same letters again and again: prompts can be as long as files.
_TOKEN = re.compile(
    r"\\[()\[\]\\]|[()\[\]]|:\s{0,9}[+-]?(?:\d{1,9}\.?\d{0,9}|\.\d{1,9})\s{0,9}(?=\))"
    r"|[^\\()\[\]:]+|.",
    re.DOTALL,
)
_BREAK = re.compile(r"\bBREAK\b")
_NEARLY_A_WEIGHT = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*\s*")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Words of a prompt that count alike."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something odd about a prompt: what it is, as it follows the field's name, and a remedy."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class WeightedPrompt:
    """What a prompt says, and how much each of its words counts."""

    parts: tuple[tuple[Fragment, ...], ...]
    """What stands between `BREAK`s, at least one."""
    doubts: tuple[Doubt, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether all words count alike and stand together."""
        return len(self.parts) == 1 and all(one.weight == 1 for one in self.parts[0])

    @property
    def first_words(self) -> str:
        """The words of the first part, without any sign."""
        return "".join(one.text for one in self.parts[0])


@lru_cache(maxsize=256)
def read_weights(prompt: str) -> WeightedPrompt:
    """Return what a prompt with weights says; what is no sign of the syntax stays a word."""
    tokens = _TOKEN.findall(prompt)
    factors, unmatched = _brackets(tokens)
    weights, signs = [1.0], set(factors)
    parts: list[list[Fragment]] = [[]]
    for index, token in enumerate(tokens):
        if index in factors:
            if token in _PARTNER:
                weights.pop()
            else:
                weights.append(weights[-1] * factors[index])
        elif not (token.startswith(":") and len(token) > 1 and index + 1 in signs):
            for number, text in enumerate(_BREAK.split(_meant(token))):
                if number:
                    parts.append([])
                parts[-1].append(Fragment(text, weights[-1]))
    filled = tuple(found for part in parts if (found := tuple(_joined(part))))
    doubts = (*_about_brackets(tokens, unmatched, signs), *_about_weights(filled))
    counted = tuple(tuple(_within_limits(one) for one in part) for part in filled)
    return WeightedPrompt(counted or ((Fragment("", 1.0),),), doubts)


def _brackets(tokens: Sequence[str]) -> tuple[Mapping[int, float], Sequence[int]]:
    """Return by what each bracket with a partner multiplies, and which brackets have none."""
    factors: dict[int, float] = {}
    unmatched: list[int] = []
    opened: list[int] = []
    waiting = dict.fromkeys(_PARTNER.values(), 0)
    for index, token in enumerate(tokens):
        if token in waiting:
            opened.append(index)
            waiting[token] += 1
        elif (partner := _PARTNER.get(token)) and not waiting[partner]:
            unmatched.append(index)
        elif partner:
            while tokens[opened[-1]] != partner:  # what was opened since has none
                unmatched.append(opened.pop())
                waiting[tokens[unmatched[-1]]] -= 1
            start = opened.pop()
            waiting[partner] -= 1
            factor = _BRACKET if partner == "(" else 1 / _BRACKET
            before = tokens[index - 1]
            if partner == "(" and before.startswith(":") and len(before) > 1:
                factor = float(before[1:])
            factors[start] = factors[index] = factor
    return factors, sorted([*unmatched, *opened])


def _meant(token: str) -> str:
    is_escape = token.startswith(_ESCAPED) and len(token) > 1
    return token[1:] if is_escape else token


def _joined(part: Sequence[Fragment]) -> Iterator[Fragment]:
    """Yield a part's fragments, neighbours of one weight as one; none where it is blank."""
    text, weight = "", 1.0
    for one in part:
        if one.weight != weight and text:
            if text.strip():
                yield Fragment(text, weight)
            text = ""
        text, weight = text + one.text, one.weight
    if text.strip():
        yield Fragment(text, weight)


def _within_limits(one: Fragment) -> Fragment:
    return Fragment(one.text, min(max(one.weight, 0.0), MOST_WEIGHT))


def _about_brackets(
    tokens: Sequence[str], unmatched: Sequence[int], signs: set[int]
) -> Iterator[Doubt]:
    for index in unmatched[:1]:
        message = f"{shown(tokens[index])} has no partner and is read as words"
        yield Doubt(message, f"add the other bracket, or write {_ESCAPED}{tokens[index]}")
    for index in range(2, len(tokens)):
        text = tokens[index - 1]
        is_end = tokens[index] == ")" and index in signs and tokens[index - 2] == ":"
        if is_end and _NEARLY_A_WEIGHT.fullmatch(text):
            message = f"{shown(text.strip())} is no weight and is read as words"
            yield Doubt(message, "write a number such as 1.3")
            return


def _about_weights(parts: Sequence[Sequence[Fragment]]) -> Iterator[Doubt]:
    for one in (one for part in parts for one in part):
        words = shown(one.text.strip())
        if one.weight < 0:
            message = f"{words} has the weight {one.weight:g}, which counts as 0"
            yield Doubt(message, "write it into the negative prompt instead")
            return
        if one.weight > MOST_WEIGHT:
            message = f"{words} has the weight {one.weight:g}, which counts as {MOST_WEIGHT:g}"
            yield Doubt(message, "weights from 0.5 to 1.5 change a picture without spoiling it")
            return
        if one.weight > _SPOILS:
            message = f"{words} has the weight {one.weight:g}, which spoils most pictures"
            yield Doubt(message, "try one from 1.1 to 1.5")
            return
