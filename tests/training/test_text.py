"""Every prompt of the training becomes whole-word tokens that fit."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import CLIPTokenizer

from training.painting.concepts import CONCEPTS
from training.painting.prompts import random_wish, wordings
from training.painting.storybook.landscape import random_landscape
from training.painting.storybook.wording import wording
from training.settings import DenoiserSettings
from training.text import (
    build_tokenizer,
    learn_merges,
    token_ids,
    vocabulary_words,
)

SETTINGS = DenoiserSettings()


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return build_tokenizer(SETTINGS)


def test_every_word_of_a_prompt_is_one_token(tokenizer: CLIPTokenizer) -> None:
    rng = np.random.default_rng(8)
    for concept in CONCEPTS:
        for _ in range(10):
            text = wordings(random_wish(rng, concept.name), rng)
            ids = tokenizer(text).input_ids
            assert len(ids) == len(text.split()) + 2, text
            assert tokenizer.eos_token_id not in ids[1:-1]
            assert len(ids) <= SETTINGS.tokens


def test_every_word_that_says_something_about_a_landscape_is_one_token(
    tokenizer: CLIPTokenizer,
) -> None:
    split = [word for word in vocabulary_words() if len(tokenizer(word).input_ids) != 3]
    assert split == []


def test_prompts_for_landscapes_fit(tokenizer: CLIPTokenizer) -> None:
    rng = np.random.default_rng(8)
    said = [wording(random_landscape(rng), rng) for _ in range(300)]
    assert max(len(ids) for ids in tokenizer(said).input_ids) <= SETTINGS.tokens


ORIGINAL = (
    "A charming house in the countryside, by jakub rozalski, sunset lighting, elegant, highly "
    "detailed, smooth, sharp focus, artstation, stunning masterpiece",
    "An old and rusty giant robot lying on a dirt road, by jakub rozalski, dark sunset lighting, "
    "elegant, highly detailed, smooth, sharp focus, artstation, stunning masterpiece",
    "a forest, cubist style by Pablo Picasso intricate, elegant, highly detailed, smooth, sharp "
    "focus, artstation, stunning masterpiece, impressive colors",
    "Christmas postcard, a charming house in the countryside surrounded by snow, a giant christmas "
    "tree, under a starry night sky, by jakub rozalski and alayna danner and guweiz, elegant, "
    "highly detailed, smooth, sharp focus, artstation, stunning masterpiece",
)


@pytest.mark.parametrize("prompt", ORIGINAL)
def test_long_prompts_with_names_fit_and_their_names_stay_short(
    tokenizer: CLIPTokenizer, prompt: str
) -> None:
    ids = tokenizer(prompt).input_ids
    assert len(ids) <= SETTINGS.tokens
    assert len(ids) < 2.2 * len(prompt.split())


def test_a_word_never_seen_is_spelled_out_and_not_lost(tokenizer: CLIPTokenizer) -> None:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("quixotic").input_ids)[1:-1]
    assert "".join(tokens) == "quixotic</w>"


def test_ids_are_padded_as_the_pipeline_pads(tokenizer: CLIPTokenizer) -> None:
    ids = token_ids(tokenizer, ["red brick wall", ""])
    assert ids.shape == (2, SETTINGS.tokens)
    assert int(ids[1, 0]) == tokenizer.bos_token_id
    assert set(ids[1, 1:].tolist()) == {tokenizer.eos_token_id}


def test_merges_go_on_from_known_ones() -> None:
    known = learn_merges({"tree": 2}, 9)
    more = learn_merges({"tresk": 3}, 9, known)
    assert more[: len(known)] == known
    assert more[-1][0] + more[-1][1] == "tresk</w>"


def test_merges_join_the_most_frequent_pair_first() -> None:
    assert learn_merges({"aab": 5, "ab": 1}, 1) == [("a", "b</w>")]
