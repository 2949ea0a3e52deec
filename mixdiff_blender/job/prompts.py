"""The prompt of the whole picture, each region's prompt within it, and their fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

PLACEHOLDER = "{prompt}"
FIELDS = ("object", "material", "collection", "frame")
"""What stands in braces for a word of the scene."""
Words = Mapping[str, str]

_SPACES = re.compile(r"\s+")
_COMMAS = re.compile(r"\s*,(?:\s*,)+")
_PLACE = re.compile(r"(?<!\{)\{prompt\}(?!\})")
_NOTHING = "\ue000"
_BRACES = re.compile(r"\{\{|\}\}|\{(\w+)\}")


def region_prompt(root: str, prompt: str) -> str:
    """Return a region's prompt within that of the whole picture.

    The root's follows the region's after a comma, or surrounds it where it holds `{prompt}`.
    """
    root, prompt = root.strip(), prompt.strip()
    if not prompt:
        return whole_picture_prompt(root)
    if _PLACE.search(root):
        return _PLACE.sub(lambda _: prompt, root)
    return f"{prompt}, {root}" if root else prompt


def whole_picture_prompt(root: str) -> str:
    """Return the prompt of the whole picture without a region in it, and nothing left of its place.

    `a photo of {prompt}, evening` becomes `a photo, evening`.
    """
    return _without_places(_PLACE.sub(_NOTHING, root))


def fields_in(text: str) -> Iterator[str]:
    """Yield what stands in braces in a prompt, known or not; doubled braces are braces."""
    yield from (match[1] for match in _BRACES.finditer(text) if match[1])


def filled(text: str, words: Words) -> str:
    """Return a prompt with the scene's words in the place of its fields.

    A field without a word leaves nothing of its place; what is no field stays as it is.
    """

    def word(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else words.get(match[1], match[0]) or _NOTHING

    return _without_places(_BRACES.sub(word, text))


def escaped(text: str, *, keeping: str = "") -> str:
    """Return a prompt in which all braces mean themselves, but for those of one field."""
    parts = text.split(keeping) if keeping else [text]
    return keeping.join(part.replace("{", "{{").replace("}", "}}") for part in parts)


def _without_places(text: str) -> str:
    if _NOTHING not in text:
        return text.strip()
    text = re.sub(rf"(?:\b(?:of|with|showing)\s+)?{_NOTHING}", " ", text)
    text = _COMMAS.sub(",", _SPACES.sub(" ", text)).replace(" ,", ",")
    return text.strip(" ,")
