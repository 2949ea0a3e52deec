"""The text side: a small byte-pair vocabulary of our own and the CLIP text encoder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.painting.colours import SYNONYMS
from training.painting.concepts import CONCEPTS
from training.painting.prompts import (
    FILLERS_AFTER,
    FILLERS_BEFORE,
    OPENINGS,
    SIZE_WORDS,
    TONE_WORDS,
    random_wish,
    wordings,
)
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import SUBJECTS
from training.painting.storybook.wording import (
    CHARMING,
    EMPTY_WORDS,
    JOINTS,
    PLACES,
    PRAISE,
    SIZES,
    made_up_word,
)
from training.settings import DenoiserSettings

START, END = "<|startoftext|>", "<|endoftext|>"


def _byte_alphabet() -> list[str]:
    """The printable stand-in of each byte, in the order that CLIP's tokenizer numbers them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in shown]
    return [chr(b) for b in shown] + [chr(256 + i) for i in range(len(rest))]


WORDS = r"[a-z]+|[0-9]|[^a-z0-9\s]+"


def vocabulary_words() -> set[str]:
    """All words that prompts can hold."""
    lines: list[str] = ["left right top bottom middle and with of under above beside ,"]
    for concept in CONCEPTS:
        lines += [*concept.nouns, *(p.replace("{}", "") for p in concept.phrases)]
        lines += list(concept.variants)
    for subject in SUBJECTS:
        lines += [*subject.nouns, *subject.old]
    for group in (SYNONYMS, SIZE_WORDS, TONE_WORDS, SIZES, JOINTS):
        lines += [word for words in group.values() for word in words]
    for light in LIGHTS.values():
        lines += [*light.words, *light.lamp_words]
    for season in SEASONS.values():
        lines += season.words
    for style in STYLES.values():
        lines += style.words
    lines += [*OPENINGS, *FILLERS_BEFORE, *FILLERS_AFTER, "a picture of in on texture"]
    lines += [*CHARMING, *EMPTY_WORDS, *PLACES, *PRAISE, "christmas postcard painting landscape"]
    lines += ["an the art by in the style of with painting of"]
    return {word for line in lines for word in re.findall(WORDS, line.lower())}


def learn_merges(
    counts: dict[str, int], limit: int, known: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """Learn byte-pair merges from word counts until every word is one token or `limit` is met.

    With `known` merges the new ones come after them; the result holds both.

    Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword
    Units", arXiv 1508.07909.
    """
    words = {word: (*word[:-1], word[-1] + "</w>") for word in counts}
    merges = list[tuple[str, str]]()

    def apply(best: tuple[str, str]) -> None:
        merges.append(best)
        for word, parts in words.items():
            if best[0] not in parts or best[1] not in parts:
                continue
            joined, i = list[str](), 0
            while i < len(parts):
                if parts[i : i + 2] == best:
                    joined.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    joined.append(parts[i])
                    i += 1
            words[word] = tuple(joined)

    for merge in known:
        apply(merge)
    while len(merges) < limit:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in words.items():
            for pair in pairwise(parts):
                pairs[pair] += counts[word]
        if not pairs:
            break
        apply(min(pairs, key=lambda pair: (-pairs[pair], pair)))
    return merges


@cache
def vocabulary(settings: DenoiserSettings) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Make the vocabulary and its merges; the same settings always give the same.

    Every word that training says is one token; after them come pieces of words that nobody knows,
    so that a name takes few of a prompt's tokens.
    """
    rng = np.random.default_rng(settings.seed)
    counts: Counter[str] = Counter({word: 1 for word in vocabulary_words()})
    for _ in range(4000):
        text = wordings(random_wish(rng), rng)
        counts.update(re.findall(WORDS, text.lower()))
    merges = learn_merges(dict(counts), settings.merges)
    unknown = Counter(made_up_word(rng) for _ in range(1500))
    merges = learn_merges(dict(unknown), settings.merges, merges)
    alphabet = _byte_alphabet()
    tokens = [*alphabet, *(a + "</w>" for a in alphabet), *(a + b for a, b in merges), START, END]
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}, merges


def build_tokenizer(settings: DenoiserSettings) -> CLIPTokenizer:
    """Make the tokenizer."""
    words, merges = vocabulary(settings)
    return CLIPTokenizer(
        vocab=words, merges=merges, model_max_length=settings.tokens, pad_token=END, unk_token=END
    )


def build_text_encoder(settings: DenoiserSettings, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Make the text encoder with fresh weights."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.text_width,
            intermediate_size=4 * settings.text_width,
            num_hidden_layers=settings.text_layers,
            num_attention_heads=settings.text_heads,
            max_position_embeddings=settings.tokens,
            projection_dim=settings.text_width,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def token_ids(tokenizer: CLIPTokenizer, prompts: Iterable[str]) -> Tensor:
    """Tokenise prompts as the pipeline does.

    Shapes: (B, tokens).
    """
    ids: Tensor = tokenizer(
        list(prompts),
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    return ids
