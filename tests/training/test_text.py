"""Every prompt of the training becomes whole-word tokens that fit."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import CLIPTokenizer

from training.painting.concepts import CONCEPTS
from training.painting.prompts import random_wish, wordings
from training.settings import DenoiserSettings
from training.text import build_tokenizer, learn_merges, token_ids

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


def test_a_word_never_seen_is_spelled_out_and_not_lost(tokenizer: CLIPTokenizer) -> None:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("quixotic").input_ids)[1:-1]
    assert "".join(tokens) == "quixotic</w>"


def test_ids_are_padded_as_the_pipeline_pads(tokenizer: CLIPTokenizer) -> None:
    ids = token_ids(tokenizer, ["red brick wall", ""])
    assert ids.shape == (2, SETTINGS.tokens)
    assert int(ids[1, 0]) == tokenizer.bos_token_id
    assert set(ids[1, 1:].tolist()) == {tokenizer.eos_token_id}


def test_merges_join_the_most_frequent_pair_first() -> None:
    assert learn_merges({"aab": 5, "ab": 1}, 1) == [("a", "b</w>")]
