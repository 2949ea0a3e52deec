"""Texts of families whose encoder is a language model: a prompt within a template of a chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def words_beyond(
    tokenizer: Any, prompt: str, most_tokens: int, rendered: Callable[[str], str] = str
) -> str:
    """Return the words of a prompt that lie behind the last token that an encoder sees.

    `rendered` puts a prompt into what is encoded.
    """
    text = rendered(prompt)
    before = len(tokenizer(text[: text.find(prompt)], add_special_tokens=False).input_ids)
    tokens = tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
    words: str = tokenizer.decode(tokens[max(most_tokens - before, 0) :])
    return words.strip()
