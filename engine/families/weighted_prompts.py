"""What CLIP's encoders make of prompts with weights, and of long ones: compel's work.

Only what such prompts need goes through here; a plain prompt that fits is the pipeline's own.
Source: https://github.com/damian0815/compel. A text longer than an encoder sees is encoded in
chunks, split at a comma or another end of a phrase; a weight above 1 leads an embedding away from
that of nothing, one below 1 towards that of the text without the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from engine.contract.prompt_syntax import WeightedPrompt

_LEAST_WEIGHT = 1e-3
"""What 0 counts as: compel's own limit adds up to more than half precision holds."""


def fits(tokenizer: Any, words: str) -> bool:
    """Return whether an encoder sees all of a text at once."""
    tokens = tokenizer(words, verbose=False).input_ids
    return bool(len(tokens) <= tokenizer.model_max_length)


class WeightedEncoder:
    """One of CLIP's encoders with its tokenizer, for texts with weights and of any length.

    `penultimate` takes the encoder's last layer but one, as SDXL does.
    """

    def __init__(
        self, tokenizer: Any, encoder: Any, device: torch.device, *, penultimate: bool = False
    ) -> None:
        from compel import Compel, ReturnedEmbeddingsType
        from compel.embeddings_provider import SplitLongTextMode

        self._tokenizer = tokenizer
        last = ReturnedEmbeddingsType.LAST_HIDDEN_STATES_NORMALIZED
        but_one = ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
        # Made anew for each text: what it remembers of the empty one may be of other weights.
        self._compel = Compel(
            tokenizer=tokenizer,
            text_encoder=encoder,
            truncate_long_prompts=False,
            split_long_text_mode=SplitLongTextMode.PHRASES,
            returned_embeddings_type=but_one if penultimate else last,
            device=device,
        )

    def embedded(self, prompt: WeightedPrompt) -> Tensor:
        """Return a text's embedding, (1, T, D); T is a multiple of the tokenizer's length."""
        from compel.prompt_parser import Conjunction, FlattenedPrompt

        parts = [
            FlattenedPrompt(
                [
                    (one.text, max(one.weight, _LEAST_WEIGHT))
                    for one in part
                    if self._tokenizer(one.text, add_special_tokens=False).input_ids
                ]
            )
            for part in prompt.parts
        ]
        found: Tensor
        found, _ = self._compel.build_conditioning_tensor_for_conjunction(Conjunction(parts))
        return found

    def pooled(self, prompt: WeightedPrompt) -> Tensor:
        """Return the pooled embedding (1, D) of what an encoder sees at once of a text."""
        found: Tensor = self._compel.conditioning_provider.get_pooled_embeddings(
            [prompt.first_words], device=self._compel.device
        )
        return found


def side_by_side(encoders: Sequence[WeightedEncoder], prompt: WeightedPrompt) -> Tensor:
    """Return a text's embeddings by several encoders, (1, T, D) with the sum of their sizes.

    One that takes less room, since its tokenizer knows longer words, is filled up with the empty
    text's.
    """
    found = [encoder.embedded(prompt) for encoder in encoders]
    most = max(one.shape[1] for one in found)
    nothing = WeightedPrompt(parts=((),))
    for index, (encoder, one) in enumerate(zip(encoders, found, strict=True)):
        if one.shape[1] < most:
            blank = encoder.embedded(nothing)
            missing = (most - one.shape[1]) // blank.shape[1]
            found[index] = torch.cat([one, blank.repeat(1, missing, 1)], dim=1)
    return torch.cat(found, dim=-1)
